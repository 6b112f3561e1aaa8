/** Offsets of the service count characters (code points), those of JavaScript strings count 16-bit units. */

import type { Span } from './types';

export interface Piece {
  text: string;
  /** Place in the list of spans, best first; null between them. */
  rank: number | null;
}

export const characters = (text: string): string[] => Array.from(text);

export function slice(all: string[], [start, end]: Span): string {
  return all.slice(start, end).join('');
}

/** Cut a text at the borders of spans. */
export function pieces(text: string, spans: Span[]): Piece[] {
  const all = characters(text);
  const found: Piece[] = [];
  let place = 0;
  const ordered = spans.map((span, rank) => ({ span, rank })).sort((a, b) => a.span[0] - b.span[0]);
  for (const { span, rank } of ordered) {
    const start = Math.max(span[0], place);
    if (span[1] <= start) continue;
    if (start > place) found.push({ text: slice(all, [place, start]), rank: null });
    found.push({ text: slice(all, [start, span[1]]), rank });
    place = span[1];
  }
  if (place < all.length) found.push({ text: slice(all, [place, all.length]), rank: null });
  return found;
}
