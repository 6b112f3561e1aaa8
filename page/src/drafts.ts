/** Triples as they are typed in, and as JSON that is pasted. */

import { objectOf, PARTS, type Part } from './types';
import type { Words } from './words';

export interface Draft {
  id: number;
  subject: string;
  predicate: string;
  object: string;
  /** Further keys of a pasted triple, such as types and paraphrase; passed on. */
  more: Record<string, unknown>;
}

let last = 0;

export function draft(values: Partial<Record<Part, string>> = {}, more: Record<string, unknown> = {}): Draft {
  return { id: ++last, subject: '', predicate: '', object: '', ...values, more };
}

export const isEmpty = (one: Draft): boolean => PARTS.every((part) => !one[part].trim());
export const isWhole = (one: Draft): boolean => PARTS.every((part) => one[part].trim());

export function sent(one: Draft): Record<string, unknown> {
  return { ...one.more, subject: one.subject, predicate: one.predicate, object: one.object };
}

export interface Pasted {
  text: string | null;
  drafts: Draft[];
}

/** Throws an `Error` whose message is for the reader. */
export function parsePasted(content: string, words: Words): Pasted {
  const value = JSON.parse(content) as unknown;
  const isRow = typeof value === 'object' && value !== null && !Array.isArray(value);
  const { text, triples } = isRow ? (value as Record<string, unknown>) : { text: null, triples: value };
  if (!Array.isArray(triples)) throw new Error(words.jsonShape);
  const drafts = triples.map((item: unknown, index) => draftOf(item, () => new Error(words.jsonItem(index + 1))));
  return { text: typeof text === 'string' ? text : null, drafts };
}

const OWN = new Set<string>([...PARTS, 'verdict', 'text_score', 'pair_score', 'probability', 'evidence', 'reason', 'comparison']);

/** A triple of any form that the service takes, without what an earlier verdict said of it. */
export function draftOf(item: unknown, fault: () => Error): Draft {
  if (typeof item !== 'object' || item === null) throw fault();
  const given = Array.isArray(item) ? Object.fromEntries(PARTS.map((part, place) => [part, item[place]])) : item;
  const { subject, predicate, object } = given as Record<Part, unknown>;
  const plain = typeof object === 'object' && object !== null ? objectOf({ object: object as Record<string, string> }) : object;
  if (typeof subject !== 'string' || typeof predicate !== 'string' || typeof plain !== 'string') throw fault();
  const more = Object.fromEntries(Object.entries(given).filter(([key]) => !OWN.has(key)));
  return draft({ subject, predicate, object: plain }, more);
}
