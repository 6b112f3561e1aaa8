import { useMemo } from 'preact/hooks';
import { keepAtPrecision, type Choice } from './judging';
import { useWords } from './language';
import type { Judged } from './types';
import { percent } from './verdict';

/** What is kept: by the verdicts (null), or at a target precision. */
export type Target = number | null;

const FIRST = 0.8;

export function useKept(triples: Judged[], target: Target): { kept: boolean[]; choice: Choice } {
  return useMemo(() => {
    const choice = keepAtPrecision(triples, target ?? FIRST);
    return { choice, kept: target === null ? triples.map((triple) => triple.verdict === 'supported') : choice.kept };
  }, [triples, target]);
}

interface Props {
  name: string;
  triples: Judged[];
  target: Target;
  choice: Choice;
  change: (target: Target) => void;
}

export function PrecisionSlider({ name, triples, target, choice, change }: Props) {
  const words = useWords();
  const calibrated = triples.some((triple) => triple.probability !== null);
  const kept = triples.filter((triple) => triple.verdict === 'supported').length;
  const summary =
    target === null
      ? words.keptOf(kept, triples.length)
      : choice.expected === null
        ? words.precisionNone(triples.length)
        : words.precisionKept(choice.count, triples.length, percent(choice.expected));
  return (
    <section class="panel precision">
      <h3>{words.precision}</h3>
      <fieldset class="by">
        <legend class="unseen">{words.precisionBy}</legend>
        <label>
          <input type="radio" name={name} checked={target === null} onChange={() => change(null)} /> {words.byThresholds}
        </label>
        <label>
          <input type="radio" name={name} checked={target !== null} disabled={!calibrated} onChange={() => change(FIRST)} />{' '}
          {words.byPrecision}
        </label>
      </fieldset>
      {!calibrated && <p class="hint">{words.precisionOff}</p>}
      {target !== null && (
        <label class="slider">
          <span>{words.precisionTarget}</span>
          <input
            type="range"
            min="50"
            max="100"
            step="1"
            value={Math.round(target * 100)}
            aria-valuetext={`${Math.round(target * 100)} %`}
            onInput={(event) => change(Number(event.currentTarget.value) / 100)}
          />
          <output>{Math.round(target * 100)} %</output>
        </label>
      )}
      <p class="summary" role="status">
        {summary}
      </p>
      {target !== null && <p class="hint">{words.precisionSays}</p>}
    </section>
  );
}
