/** A file through `/v1/filter`, in chunks that the service takes, with patience where it is busy. */

import { ServiceError, ask, asServiceError } from './api';
import type { BadRow, InputRow } from './reading';
import type { Filtered, JudgedRow } from './types';

const MOST_ROWS = 32;
const MOST_TRIPLES = 400;
const MOST_CHARACTERS = 200_000;
const MOST_WAITS = 20;
const LONGEST_WAIT = 60;
/** Errors that a smaller request may not meet. */
const TOO_MUCH = new Set([413, 504]);

export interface Watcher {
  judged: (row: InputRow, judged: JudgedRow) => void;
  bad: (row: BadRow) => void;
  /** Seconds until the next try, because the service is busy; null when it goes on. */
  waiting: (seconds: number | null) => void;
}

/**
 * Verify rows; what was judged before an error or a stop has been handed over by then.
 *
 * @param rows Rows that are not judged yet; those that are done are taken from its front.
 */
export async function verifyRows(rows: InputRow[], watch: Watcher, signal: AbortSignal): Promise<void> {
  let most = MOST_ROWS;
  let waits = 0;
  while (rows.length) {
    const chunk = firstChunk(rows, most);
    try {
      const body = { rows: chunk.map(({ id, text, triples }) => ({ id, text, triples })), comparisons: true };
      const { all } = await ask<Filtered>('/v1/filter', body, signal);
      rows.splice(0, chunk.length);
      chunk.forEach((row, index) => watch.judged(row, all[index] as JudgedRow));
      most = Math.min(MOST_ROWS, most * 2);
      waits = 0;
    } catch (reason) {
      if (signal.aborted) throw reason;
      const error = asServiceError(reason);
      if (error.status === 503 && ++waits <= MOST_WAITS) await pause(error, watch, signal);
      else if (TOO_MUCH.has(error.status) && chunk.length > 1) most = Math.max(1, chunk.length >> 1);
      else refuse(rows, chunk, error, watch);
    }
  }
}

function firstChunk(rows: InputRow[], most: number): InputRow[] {
  let triples = 0;
  let size = 0;
  const end = rows.slice(0, most).findIndex((row, index) => {
    triples += row.triples.length;
    size += row.text.length;
    return index > 0 && (triples > MOST_TRIPLES || size > MOST_CHARACTERS);
  });
  return rows.slice(0, end < 0 ? most : end);
}

/** Take out the row that the service names, or the only one; any other error is the caller's. */
function refuse(rows: InputRow[], chunk: InputRow[], error: ServiceError, watch: Watcher): void {
  const only = chunk.length === 1 && (error.status === 422 || TOO_MUCH.has(error.status)) ? 0 : null;
  const place = error.status === 422 && error.row !== null ? error.row : only;
  const row = place === null ? undefined : chunk[place];
  if (place === null || row === undefined) throw error;
  rows.splice(place, 1);
  const detail = error.field ? `${error.field}: ${error.message}` : error.message;
  watch.bad({ line: row.line, code: 'refused', detail });
}

async function pause(error: ServiceError, watch: Watcher, signal: AbortSignal): Promise<void> {
  const seconds = Math.min(LONGEST_WAIT, error.retryAfter ?? 1);
  watch.waiting(seconds);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
  watch.waiting(null);
}
