import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Decision, Reviewed } from './corrections';
import { Downloads } from './downloads';
import { AttentionOf } from './heat_map';
import { useWords } from './language';
import { PrecisionSlider, useKept, type Target } from './precision';
import { useReview, type Item, type Order, type ReviewState } from './queue_state';
import type { InputFile } from './reading';
import { Badge, Evidence, Remarks, Scores, TripleText } from './verdict';

const DECIDING: Record<string, Decision> = { a: 'accept', r: 'reject', s: 'skip' };
const MARKS: Record<Decision, string> = { accept: '✓', reject: '✕', skip: '–' };
const AROUND = 3;

/** Whether a key pressed there means something else. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, summary, [contenteditable], .scroller') !== null;
}

function useKeys(act: ReviewState['act'], listening: boolean): void {
  useEffect(() => {
    if (!listening) return undefined;
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const key = event.key.toLowerCase();
      const decision = DECIDING[key];
      const step = { arrowleft: -1, arrowup: -1, arrowright: 1, arrowdown: 1 }[key];
      if (decision) act({ kind: 'decide', decision });
      else if (key === 'u') act({ kind: 'undo' });
      else if (step) act({ kind: 'step', by: step });
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [listening, act]);
}

interface Props {
  file: InputFile;
  rows: Reviewed[];
  listening: boolean;
}

export function Queue({ file, rows, listening }: Props) {
  const words = useWords();
  const review = useReview(file.hash, rows);
  const [target, setTarget] = useState<Target>(null);
  const triples = useMemo(() => rows.flatMap((row) => row.judged.triples), [rows]);
  const { choice } = useKept(triples, target);
  useKeys(review.act, listening);
  const item = review.items[review.at];
  if (!item) return null;
  return (
    <>
      {review.restored > 0 && (
        <p class="notice" role="status">
          {words.restored(review.restored)}
        </p>
      )}
      <section class="panel queue" aria-label={words.review}>
        {review.decided === review.items.length && <p class="notice">{words.allDone}</p>}
        <div class="bar-line">
          <strong role="status">{words.decided(review.decided, review.items.length)}</strong>
          <progress aria-label={words.decided(review.decided, review.items.length)} value={review.decided} max={review.items.length} />
          <label>
            {words.order}{' '}
            <select value={review.order} onChange={(event) => review.act({ kind: 'order', order: event.currentTarget.value as Order })}>
              <option value="borderline">{words.borderline}</option>
              <option value="file">{words.asInFile}</option>
            </select>
          </label>
        </div>
        <Current item={item} review={review} />
        <Around review={review} />
      </section>
      <div class="below">
        <Downloads file={file} rows={rows} decisions={review.decisions} />
        <PrecisionSlider name="review" triples={triples} target={target} choice={choice} change={setTarget} />
      </div>
      <Keeping review={review} />
    </>
  );
}

function Current({ item, review }: { item: Item; review: ReviewState }) {
  const words = useWords();
  const { triple, row } = item;
  const decision = review.decisions[item.key];
  const distance = item.margin === null ? words.noDistance : words.distance(Math.abs(item.margin).toFixed(3));
  return (
    <article class="current">
      <p class="hint">
        {words.place(review.at + 1, review.items.length)} · {words.line(row.input.line)}
        {row.input.id !== null && <bdi> · {String(row.input.id)}</bdi>} · {distance}
      </p>
      <Evidence text={row.judged.text} spans={triple.evidence} />
      <p class="subject-matter" aria-live="polite">
        <TripleText triple={triple} />
      </p>
      <div class="sides">
        <div>
          <p class="said">
            {words.modelSays} <Badge kept={triple.verdict === 'supported'} />
          </p>
          <Scores triple={triple} />
          <Remarks text={row.judged.text} triple={triple} />
        </div>
        <div>
          <p class="said">
            {words.youSay}{' '}
            <span class={`decision ${decision ?? ''}`}>{decision ? words.decisionIs[decision] : words.undecided}</span>
          </p>
          <Buttons review={review} />
        </div>
      </div>
      <Looking key={item.key} item={item} />
    </article>
  );
}

function Looking({ item }: { item: Item }) {
  const words = useWords();
  const [open, setOpen] = useState(false);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{words.attention}</summary>
      {open && <AttentionOf text={item.row.judged.text} triple={item.triple} />}
    </details>
  );
}

function Buttons({ review }: { review: ReviewState }) {
  const words = useWords();
  return (
    <>
      <div class="actions decide">
        {(['accept', 'reject', 'skip'] as const).map((decision) => (
          <button key={decision} type="button" class={decision} onClick={() => review.act({ kind: 'decide', decision })}>
            {words[decision]} <kbd aria-hidden="true">{decision[0]?.toUpperCase()}</kbd>
          </button>
        ))}
      </div>
      <div class="actions">
        <button type="button" class="plain" disabled={!review.history.length} onClick={() => review.act({ kind: 'undo' })}>
          {words.undo} <kbd aria-hidden="true">U</kbd>
        </button>
        <button type="button" class="plain" disabled={review.at === 0} onClick={() => review.act({ kind: 'step', by: -1 })}>
          ← {words.back}
        </button>
        <button type="button" class="plain" disabled={review.at === review.items.length - 1} onClick={() => review.act({ kind: 'step', by: 1 })}>
          {words.next} →
        </button>
      </div>
      <p class="hint">{words.keys}</p>
    </>
  );
}

function Around({ review }: { review: ReviewState }) {
  const words = useWords();
  const first = Math.max(0, Math.min(review.at - AROUND, review.items.length - 2 * AROUND - 1));
  return (
    <nav class="around" aria-label={words.around}>
      <ol start={first + 1}>
        {review.items.slice(first, first + 2 * AROUND + 1).map((item, index) => {
          const decision = review.decisions[item.key];
          return (
            <li key={item.key}>
              <button type="button" class="plain" aria-current={first + index === review.at ? 'true' : undefined} onClick={() => review.act({ kind: 'go', to: first + index })}>
                <span class={`decision ${decision ?? ''}`} title={decision ? words.decisionIs[decision] : words.undecided}>
                  {decision ? MARKS[decision] : '·'}
                </span>
                <TripleText triple={item.triple} />
              </button>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

function Keeping({ review }: { review: ReviewState }) {
  const words = useWords();
  const [sure, setSure] = useState(false);
  const [gone, setGone] = useState(false);
  const press = () => {
    if (sure) review.act({ kind: 'forget' });
    setGone(sure);
    setSure(!sure);
  };
  return (
    <div class="keeping">
      <p class="hint">{review.kept ? words.keptHere : words.notStored}</p>
      <button type="button" class="plain" onClick={press}>
        {sure ? words.sure : words.forget}
      </button>
      <span role="status">{gone && words.forgotten}</span>
    </div>
  );
}
