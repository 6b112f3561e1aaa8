/** Decisions about a file, kept in the browser by the file's hash: line numbers and letters, never texts or names. */

import type { Decision, Decisions } from './corrections';

const PREFIX = 'cacre.review.';
const LETTERS: Record<Decision, string> = { accept: 'a', reject: 'r', skip: 's' };
const DECISIONS: Record<string, Decision> = { a: 'accept', r: 'reject', s: 'skip' };

export function loadDecisions(hash: string): Decisions {
  try {
    const saved = JSON.parse(localStorage.getItem(PREFIX + hash) ?? '{}') as Record<string, string>;
    const known = Object.entries(saved).flatMap(([key, letter]) => {
      const decision = DECISIONS[letter];
      return decision ? [[key, decision] as const] : [];
    });
    return Object.fromEntries(known);
  } catch {
    return {};
  }
}

/** Whether the browser kept them. */
export function saveDecisions(hash: string, decisions: Decisions): boolean {
  try {
    const letters = Object.entries(decisions).map(([key, decision]) => [key, LETTERS[decision]]);
    if (letters.length) localStorage.setItem(PREFIX + hash, JSON.stringify(Object.fromEntries(letters)));
    else localStorage.removeItem(PREFIX + hash);
    return true;
  } catch {
    return false;
  }
}

/** Forget the decisions about all files. */
export function forgetDecisions(): void {
  Object.keys(localStorage)
    .filter((key) => key.startsWith(PREFIX))
    .forEach((key) => localStorage.removeItem(key));
}
