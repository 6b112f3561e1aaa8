/** What the service takes and gives; docs/service.md describes it. */

export type Span = [number, number];
export type Part = 'subject' | 'predicate' | 'object';
export type Named = [string, string, string];
export const PARTS: readonly Part[] = ['subject', 'predicate', 'object'];

export type Modality = 'denied' | 'rumoured' | 'planned' | 'past';

export interface Comparison {
  text_threshold: number | null;
  pair_threshold: number | null;
  strategy: 'paraphrase' | 'schema' | 'siblings' | null;
  triples: Named[];
}

export interface Judged {
  subject: string;
  predicate: string;
  object: string | Record<string, string>;
  verdict: 'supported' | 'rejected';
  text_score: number | null;
  pair_score: number | null;
  probability: number | null;
  evidence: Span[];
  reason?: string;
  /** How the text puts the triple where it does not simply assert it, and the characters that show it. */
  modality?: Modality;
  modality_cue?: Span;
  /** What was judged in its place: an inverse turned round, or one reading of a word with several. */
  judged_as?: Named;
  comparison: Comparison;
  [key: string]: unknown;
}

export interface JudgedRow {
  id?: string | number | null;
  text: string;
  triples: Judged[];
}

export interface Filtered {
  all: JudgedRow[];
  failed?: { row: number; message: string }[];
}

export interface Explanation {
  /** What was read: an inverse turned round, without invisible characters. */
  triple: Named;
  window: Span;
  text_tokens: Span[];
  triple_tokens: { part: Part; start: number; end: number }[];
  weights: number[][];
}

export interface Model {
  name: string;
  schema: string;
  relations: string[];
  text_threshold: number;
  calibrated: boolean;
  llm: string | null;
  version: string;
}

/** The object as one string, as it is judged. */
export function objectOf(triple: { object: string | Record<string, string> }): string {
  return typeof triple.object === 'string' ? triple.object : (triple.object['@value'] ?? '');
}

export function named(triple: Judged): Named {
  return [triple.subject, triple.predicate, objectOf(triple)];
}
