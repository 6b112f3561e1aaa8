import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ask, asServiceError, isAbort, type ServiceError } from './api';
import { useWords } from './language';
import { Failure } from './notice';
import { characters, slice } from './spans';
import { named, PARTS, type Explanation, type Judged } from './types';
import { percent } from './verdict';

type Cell = [row: number, column: number];
const STEPS: Record<string, Cell> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Asks the service where a triple looks in a text, and draws it. */
export function AttentionOf({ text, triple }: { text: string; triple: Judged }) {
  const words = useWords();
  const [found, setFound] = useState<Explanation | null>(null);
  const [error, setError] = useState<ServiceError | null>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setError(null);
    ask<Explanation>('/v1/explain', { text, triple: named(triple) }, abort.signal)
      .then(setFound)
      .catch((reason: unknown) => isAbort(reason) || setError(asServiceError(reason)));
    return () => abort.abort();
  }, [text, triple, tries]);
  if (error) return <Failure error={error} again={() => setTries(tries + 1)} />;
  return found ? <HeatMap text={text} found={found} /> : <p role="status">{words.loading}</p>;
}

function HeatMap({ text, found }: { text: string; found: Explanation }) {
  const words = useWords();
  const [cell, setCell] = useState<Cell | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLParagraphElement>(null);
  const figure = useRef<HTMLElement>(null);
  const all = useMemo(() => characters(text), [text]);
  const columns = found.text_tokens.map((span) => slice(all, span));
  const rows = found.triple_tokens.map(({ part, start, end }) => {
    const value = found.triple[PARTS.indexOf(part)] ?? '';
    return { part, text: slice(characters(value), [start, end]) };
  });
  const says = ([row, column]: Cell): string =>
    words.weight(
      rows[row]?.text ?? '',
      words.part[rows[row]?.part ?? 'subject'],
      columns[column] ?? '',
      (found.text_tokens[column]?.[0] ?? 0) + 1,
      percent(found.weights[row]?.[column] ?? 0),
    );
  const move = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step || !rows.length || !columns.length) return;
    event.preventDefault();
    const clamp = (value: number, size: number) => Math.max(0, Math.min(size - 1, value));
    const next: Cell = cell ? [clamp(cell[0] + step[0], rows.length), clamp(cell[1] + step[1], columns.length)] : [0, 0];
    setCell(next);
    box.current?.querySelector(`[data-cell="${next.join(':')}"]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  };
  useLayoutEffect(() => {
    const at = cell && box.current?.querySelector(`[data-cell="${cell.join(':')}"]`);
    if (at && tip.current) placeTip(tip.current, at, figure.current);
  }, [cell]);
  const partly = found.window[1] - found.window[0] < all.length;
  return (
    <figure class="attention" ref={figure}>
      <figcaption>
        <strong>{words.attention}</strong> <span class="hint">{words.attentionHint}</span>
        {partly && <span class="hint"> {words.attentionPart(found.window[0] + 1, found.window[1])}</span>}
      </figcaption>
      <div
        class="scroller"
        ref={box}
        tabIndex={0}
        role="group"
        aria-label={words.attention}
        onKeyDown={move}
        onMouseOver={(event) => setCell(cellOf(event.target) ?? cell)}
        onMouseLeave={() => setCell(null)}
      >
        <Grid columns={columns} rows={rows} weights={found.weights} current={cell} />
      </div>
      <p class={`tooltip ${cell ? '' : 'unseen'}`} role="tooltip" aria-live="polite" ref={tip}>
        {cell && says(cell)}
      </p>
    </figure>
  );
}

/** Put the tooltip below a cell, inside the figure. */
function placeTip(tip: HTMLElement, at: Element, figure: HTMLElement | null): void {
  const cell = at.getBoundingClientRect();
  const around = figure?.getBoundingClientRect() ?? cell;
  const left = Math.max(0, Math.min(cell.left - around.left, around.width - tip.offsetWidth));
  tip.style.left = `${left}px`;
  tip.style.top = `${cell.bottom - around.top + 6}px`;
}

function cellOf(target: EventTarget | null): Cell | null {
  const place = target instanceof HTMLElement ? target.dataset['cell'] : undefined;
  const [row, column] = place?.split(':').map(Number) ?? [];
  return row === undefined || column === undefined ? null : [row, column];
}

interface GridProps {
  columns: string[];
  rows: { part: string; text: string }[];
  weights: number[][];
  current: Cell | null;
}

function Grid({ columns, rows, weights, current }: GridProps) {
  const most = Math.max(1e-9, ...weights.map((row) => Math.max(0, ...row)));
  return (
    <table class="heat">
      <thead>
        <tr>
          <td />
          {columns.map((text, column) => (
            <th key={column} scope="col" class={current?.[1] === column ? 'at' : undefined}>
              {text}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ part, text }, row) => (
          <tr key={row} class={row > 0 && rows[row - 1]?.part !== part ? 'border' : undefined}>
            <th scope="row" class={current?.[0] === row ? 'at' : undefined}>
              {text}
            </th>
            {columns.map((_, column) => (
              <td
                key={column}
                data-cell={`${row}:${column}`}
                class={current?.[0] === row && current[1] === column ? 'at' : undefined}
                style={{ '--heat': `${Math.round((100 * (weights[row]?.[column] ?? 0)) / most)}%` }}
              />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
