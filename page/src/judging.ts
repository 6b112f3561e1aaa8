/** What verdicts say beyond themselves: checks, distances to thresholds, and what a target precision keeps. */

import type { Judged } from './types';

const SCORE_REASON = /^(text_score|pair_score) (-?[\d.]+) below (-?[\d.]+)$/;

export function scoreReason(reason: string): { score: string; value: string; threshold: string } | null {
  const [, score, value, threshold] = SCORE_REASON.exec(reason) ?? [];
  return score && value && threshold ? { score, value, threshold } : null;
}

/** Whether no check that needs no model rejected the triple. */
export function passedChecks(triple: Judged): boolean {
  return triple.reason === undefined || scoreReason(triple.reason) !== null;
}

/** How far the scores are above their thresholds, the nearer one counting; null where no score decided. */
export function margin(triple: Judged): number | null {
  if (!passedChecks(triple)) return null;
  const { text_threshold, pair_threshold } = triple.comparison;
  const distances: number[] = [];
  if (triple.text_score !== null && text_threshold !== null) distances.push(triple.text_score - text_threshold);
  if (triple.pair_score !== null && pair_threshold !== null) distances.push(triple.pair_score - pair_threshold);
  return distances.length ? Math.min(...distances) : null;
}

export interface Choice {
  /** For each triple, whether it is kept. */
  kept: boolean[];
  count: number;
  /** Mean probability of the kept ones; null if there are none. */
  expected: number | null;
  /** Smallest probability that is kept; null if there is none. */
  lowest: number | null;
}

/** The most triples, by falling probability, whose mean probability is at least the target; equal ones go together. */
export function keepAtPrecision(triples: Judged[], target: number): Choice {
  const usable = triples.filter((triple) => triple.probability !== null && passedChecks(triple));
  const probabilities = usable.map((triple) => triple.probability ?? 0).sort((a, b) => b - a);
  let sum = 0;
  let count = 0;
  let kept = 0;
  probabilities.forEach((probability, index) => {
    sum += probability;
    // A mean of equal numbers may come out a last digit lower than they are.
    const isWhole = probabilities[index + 1] !== probability;
    if (isWhole && sum / (index + 1) >= target - 1e-9) {
      count = index + 1;
      kept = sum;
    }
  });
  const lowest = count ? (probabilities[count - 1] ?? null) : null;
  const isKept = (triple: Judged): boolean =>
    lowest !== null && triple.probability !== null && triple.probability >= lowest && passedChecks(triple);
  return { kept: triples.map(isKept), count, expected: count ? kept / count : null, lowest };
}
