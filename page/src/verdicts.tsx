import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { GraphView } from './graph_view';
import { AttentionOf } from './heat_map';
import { useWords } from './language';
import { PrecisionSlider, useKept, type Target } from './precision';
import { named, type Judged, type JudgedRow } from './types';
import { Badge, Evidence, Remarks, Scores, TripleText } from './verdict';

/** The verdicts of one text. */
export function Verdicts({ row, changed }: { row: JudgedRow; changed: boolean }) {
  const words = useWords();
  const [pointed, setPointed] = useState<number | null>(null);
  const [opened, setOpened] = useState<number | null>(null);
  const [target, setTarget] = useState<Target>(null);
  const { kept, choice } = useKept(row.triples, target);
  const point = useCallback((place: number | null) => setPointed(place), []);
  const heading = useRef<HTMLHeadingElement>(null);
  // What was asked for has come: a keyboard goes on from here.
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    heading.current?.scrollIntoView();
  }, []);
  const shown = pointed ?? opened;
  const spans = (shown === null ? undefined : row.triples[shown]?.evidence) ?? [];
  return (
    <section class="results" aria-label={words.results}>
      <h2 tabIndex={-1} ref={heading}>
        {words.results}
      </h2>
      {changed && <p class="notice">{words.changed}</p>}
      <div class="panel reading">
        <h3>{words.evidenceIn}</h3>
        <p class="hint">{words.evidenceHint}</p>
        <Evidence text={row.text} spans={spans} />
      </div>
      <PrecisionSlider name="check" triples={row.triples} target={target} choice={choice} change={setTarget} />
      <ol class="verdicts" onMouseLeave={() => setPointed(null)}>
        {row.triples.map((triple, place) => (
          <Line
            key={place}
            text={row.text}
            triple={triple}
            kept={kept[place] ?? false}
            byTarget={target !== null}
            isPointed={shown === place}
            isOpen={opened === place}
            point={() => setPointed(place)}
            open={() => setOpened(opened === place ? null : place)}
          />
        ))}
      </ol>
      <GraphView triples={row.triples} kept={kept} point={point} />
    </section>
  );
}

interface LineProps {
  text: string;
  triple: Judged;
  kept: boolean;
  byTarget: boolean;
  isPointed: boolean;
  isOpen: boolean;
  point: () => void;
  open: () => void;
}

function Line({ text, triple, kept, byTarget, isPointed, isOpen, point, open }: LineProps) {
  const words = useWords();
  const { strategy, triples } = triple.comparison;
  return (
    <li class={`verdict ${isPointed ? 'pointed' : ''} ${kept ? 'kept' : 'lost'}`} onMouseEnter={point} onFocusIn={point}>
      <button type="button" class="head" aria-expanded={isOpen} onClick={open}>
        <span class="chevron" aria-hidden="true">
          {isOpen ? '▾' : '▸'}
        </span>
        <TripleText triple={triple} />
        <Badge kept={kept} byTarget={byTarget} />
      </button>
      <Scores triple={triple} />
      <Remarks text={text} triple={triple} />
      {isOpen && (
        <div class="opened">
          {strategy !== null && (
            <p class="hint">
              {words.comparedWith[strategy]} <bdi>{triples.map((one) => one.join(' → ')).join('; ')}</bdi>
            </p>
          )}
          <AttentionOf key={named(triple).join('\n')} text={text} triple={triple} />
        </div>
      )}
    </li>
  );
}
