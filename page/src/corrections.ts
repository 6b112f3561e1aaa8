/** What a reviewer decided, in the formats that `cacre calibrate` and `cacre train` read. */

import type { InputRow } from './reading';
import { named, type Judged, type JudgedRow, type Named } from './types';

export type Decision = 'accept' | 'reject' | 'skip';
export type Decisions = Readonly<Record<string, Decision>>;
export interface Reviewed {
  input: InputRow;
  judged: JudgedRow;
}

export const keyOf = (line: number, place: number): string => `${line}:${place}`;

const VERDICT_KEYS = ['verdict', 'text_score', 'pair_score', 'probability', 'evidence', 'reason', 'comparison'];
/** Labels that came with the file, which would contradict the reviewer's. */
const LABEL_KEYS = ['supported', 'label', 'kind'];

interface Split {
  row: Reviewed;
  accepted: Judged[];
  rejected: Judged[];
}

/** Candidate rows with labels of source `support`: rows in which any triple was decided; null is not judged. */
export function labels(rows: Reviewed[], decisions: Decisions): string {
  const found = rows.filter((row) => !isUndecided(split(row, decisions)));
  return lines(
    found.map(({ input, judged }) => ({
      ...identity(input),
      triples: judged.triples.map((triple, place) => ({
        ...without(triple, [...VERDICT_KEYS, ...LABEL_KEYS]),
        supported: { accept: 1, reject: 0, skip: null }[decisions[keyOf(input.line, place)] ?? 'skip'],
      })),
    })),
  );
}

/** Contrastive rows: texts with a triple accepted and one rejected. */
export function contrastive(rows: Reviewed[], decisions: Decisions): string {
  const both = rows.map((row) => split(row, decisions)).filter((row) => row.accepted.length && row.rejected.length);
  return lines(both.map(contrastiveRow));
}

/** Annotated rows, whose negatives `cacre train` makes: texts in which triples were only accepted. */
export function annotated(rows: Reviewed[], decisions: Decisions): string {
  const only = rows.map((row) => split(row, decisions)).filter((row) => row.accepted.length && !row.rejected.length);
  return lines(
    only.map(({ row, accepted }) => ({
      ...identity(row.input),
      spo_list: accepted.map((triple) => {
        const [subject, predicate, object] = named(triple);
        return { subject, predicate, object };
      }),
    })),
  );
}

/** Texts in which triples were only rejected: `cacre train` has no use for them. */
export function onlyRejected(rows: Reviewed[], decisions: Decisions): number {
  const found = rows.map((row) => split(row, decisions));
  return found.filter((row) => row.rejected.length && !row.accepted.length).length;
}

export const countLines = (content: string): number => content.split('\n').length - 1;

function split(row: Reviewed, decisions: Decisions): Split {
  const decided = (wanted: Decision): Judged[] =>
    row.judged.triples.filter((_, place) => decisions[keyOf(row.input.line, place)] === wanted);
  const accepted = decided('accept');
  const right = new Set(accepted.map(text));
  return { row, accepted, rejected: decided('reject').filter((triple) => !right.has(text(triple))) };
}

const isUndecided = (row: Split): boolean => !row.accepted.length && !row.rejected.length;
const text = (triple: Judged): string => JSON.stringify(named(triple));

function contrastiveRow({ row, accepted, rejected }: Split): object {
  // The model reads all negatives of a text together, so that one may stand beside several anchors.
  const nearest = accepted.map((anchor) => rejected.reduce((best, one) => (near(one, anchor) > near(best, anchor) ? one : best)));
  const rest = rejected.filter((triple) => !nearest.includes(triple));
  return {
    ...identity(row.input),
    anchors: accepted.map(named),
    positives: accepted.map(positive),
    negatives: nearest.map(named),
    ...(rest.length ? { hard: rest.map(named) } : {}),
  };
}

function near(left: Judged, right: Judged): number {
  const other = named(right);
  return named(left).filter((part, place) => part === other[place]).length;
}

/** The same in other words, as its pair score was measured; itself where there are none, as in annotated rows. */
function positive(triple: Judged): Named {
  const { strategy, triples } = triple.comparison;
  return (strategy === 'paraphrase' || strategy === 'schema' ? triples[0] : undefined) ?? named(triple);
}

function identity({ id, text }: InputRow): object {
  return id === null ? { text } : { id, text };
}

function without(triple: Judged, keys: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(triple).filter(([key]) => !keys.includes(key)));
}

function lines(rows: object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
