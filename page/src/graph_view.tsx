import { useEffect, useRef } from 'preact/hooks';
import type { Drawing } from './graph';
import { useWords } from './language';
import { named, type Judged } from './types';

interface Props {
  triples: Judged[];
  kept: boolean[];
  point: (place: number | null) => void;
}

/** Kept triples as a graph, and the same as a list for those who do not see it. */
export function GraphView({ triples, kept, point }: Props) {
  const words = useWords();
  const box = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | null>(null);
  const shown = triples.flatMap((triple, place) => (kept[place] ? [{ triple: named(triple), place }] : []));
  const key = JSON.stringify(shown);
  useEffect(() => {
    let gone = false;
    if (shown.length)
      void import('./graph').then(({ draw }) => {
        if (!gone && box.current) drawing.current = draw(box.current, shown, point);
      });
    return () => {
      gone = true;
      drawing.current?.destroy();
      drawing.current = null;
    };
  }, [key]);
  const names = new Set(shown.flatMap(({ triple }) => [triple[0], triple[2]]));
  return (
    <section class="panel graph">
      <h3>{words.graph}</h3>
      {shown.length === 0 ? (
        <p class="hint">{words.graphEmpty}</p>
      ) : (
        <>
          <div class="canvas" ref={box} role="img" aria-label={words.graphSays(names.size, shown.length)} />
          <ul class="unseen">
            {shown.map(({ triple, place }) => (
              <li key={place}>{triple.join(' → ')}</li>
            ))}
          </ul>
          <div class="actions">
            <span class="hint">{words.graphSays(names.size, shown.length)}</span>
            <button type="button" class="plain" aria-label={words.zoomOut} title={words.zoomOut} onClick={() => drawing.current?.zoom(1 / 1.25)}>
              −
            </button>
            <button type="button" class="plain" aria-label={words.zoomIn} title={words.zoomIn} onClick={() => drawing.current?.zoom(1.25)}>
              +
            </button>
            <button type="button" class="plain" onClick={() => drawing.current?.fit()}>
              {words.graphFit}
            </button>
          </div>
        </>
      )}
    </section>
  );
}
