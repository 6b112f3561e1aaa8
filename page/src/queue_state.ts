import { useEffect, useMemo, useReducer, useState } from 'preact/hooks';
import { keyOf, type Decision, type Decisions, type Reviewed } from './corrections';
import { margin } from './judging';
import { forgetDecisions, loadDecisions, saveDecisions } from './progress';
import type { Judged } from './types';

/** One triple to decide about. */
export interface Item {
  key: string;
  row: Reviewed;
  triple: Judged;
  /** Distance to the threshold that is nearer to changing the verdict; null where none decided. */
  margin: number | null;
}

export type Order = 'borderline' | 'file';

interface State {
  order: Order;
  items: Item[];
  at: number;
  decisions: Decisions;
  history: { key: string; before: Decision | undefined }[];
}

type Action =
  | { kind: 'decide'; decision: Decision }
  | { kind: 'undo' | 'forget' }
  | { kind: 'go'; to: number }
  | { kind: 'step'; by: number }
  | { kind: 'order'; order: Order };

export interface ReviewState extends State {
  act: (action: Action) => void;
  decided: number;
  restored: number;
  /** Whether the browser keeps the decisions. */
  kept: boolean;
}

/** Actions are worked off one by one, however fast keys are pressed. */
export function useReview(hash: string, rows: Reviewed[]): ReviewState {
  const first = useMemo(() => loadDecisions(hash), [hash]);
  const [state, act] = useReducer(after, null, () => begun(rows, first));
  const [kept, setKept] = useState(true);
  const { decisions, items } = state;
  useEffect(() => {
    if (decisions !== first) setKept(saveDecisions(hash, decisions));
  }, [decisions]);
  const count = (known: Decisions): number => items.filter((item) => item.key in known).length;
  const restored = decisions === first ? count(first) : 0;
  return { ...state, act, kept, decided: count(decisions), restored };
}

function begun(rows: Reviewed[], decisions: Decisions): State {
  const items = ordered(
    rows.flatMap((row) =>
      row.judged.triples.map((triple, place) => ({ key: keyOf(row.input.line, place), row, triple, margin: margin(triple) })),
    ),
    'borderline',
  );
  return { order: 'borderline', items, at: nextOpen(items, decisions, -1), decisions, history: [] };
}

function after(state: State, action: Action): State {
  const { items, at, decisions, history } = state;
  switch (action.kind) {
    case 'decide': {
      const item = items[at];
      if (!item) return state;
      const decided = { ...decisions, [item.key]: action.decision };
      const known = [...history, { key: item.key, before: decisions[item.key] }];
      return { ...state, decisions: decided, history: known, at: nextOpen(items, decided, at) };
    }
    case 'undo': {
      const last = history.at(-1);
      if (!last) return state;
      const { [last.key]: _, ...rest } = decisions;
      const restored = last.before ? { ...rest, [last.key]: last.before } : rest;
      return { ...state, decisions: restored, history: history.slice(0, -1), at: placeOf(items, last.key) };
    }
    case 'go':
      return { ...state, at: within(items, action.to) };
    case 'step':
      return { ...state, at: within(items, at + action.by) };
    case 'order': {
      const moved = ordered(items, action.order);
      return { ...state, order: action.order, items: moved, at: placeOf(moved, items[at]?.key ?? '') };
    }
    case 'forget':
      forgetDecisions();
      return { ...state, decisions: {}, history: [], at: 0 };
  }
}

const within = (items: Item[], place: number): number => Math.max(0, Math.min(items.length - 1, place));
const placeOf = (items: Item[], key: string): number => within(items, items.findIndex((item) => item.key === key));

/** Borderline: the nearest to a threshold first, those that no threshold decided last; else as in the file. */
function ordered(items: Item[], order: Order): Item[] {
  const distance = (item: Item): number => (item.margin === null ? Infinity : Math.abs(item.margin));
  const nearer = (a: Item, b: Item): number => (distance(a) === distance(b) ? inFile(a, b) : distance(a) - distance(b));
  return [...items].sort(order === 'file' ? inFile : nearer);
}

function inFile(a: Item, b: Item): number {
  const place = (item: Item): number => Number(item.key.split(':')[1]);
  return a.row.input.line - b.row.input.line || place(a) - place(b);
}

/** The next item without a decision, from the beginning again after the end; the one after this if all are decided. */
function nextOpen(items: Item[], decisions: Decisions, after: number): number {
  const isOpen = (item: Item): boolean => !(item.key in decisions);
  const later = items.findIndex((item, place) => place > after && isOpen(item));
  const any = later < 0 ? items.findIndex(isOpen) : later;
  return any < 0 ? within(items, after + 1) : any;
}
