import { useRef, useState } from 'preact/hooks';
import { ask, asServiceError, isAbort, type ServiceError } from './api';
import { draft, draftOf, isEmpty, isWhole, sent, type Draft } from './drafts';
import { TripleEditor } from './editor';
import { EXAMPLE_TEXT, exampleDrafts } from './example';
import { useWords } from './language';
import { Failure } from './notice';
import type { Filtered, JudgedRow, Model } from './types';
import { Verdicts } from './verdicts';
import type { Words } from './words';

type Work = 'verify' | 'propose';

interface Outcome {
  row: JudgedRow;
  /** Counts up, so that a new outcome starts with nothing opened. */
  number: number;
  /** What was verified, to see whether it was changed since. */
  of: string;
}

const mark = (text: string, drafts: Draft[]): string => JSON.stringify([text, drafts.filter((one) => !isEmpty(one)).map(sent)]);

function complaint(words: Words, text: string, drafts: Draft[], work: Work): string {
  if (!text.trim()) return words.needText;
  if (work === 'propose') return '';
  const broken = drafts.findIndex((one) => !isEmpty(one) && !isWhole(one));
  if (broken >= 0) return words.needParts(broken + 1);
  return drafts.every(isEmpty) ? words.needTriples : '';
}

/** Check the triples of one text, typed in or proposed. */
export function Check({ model }: { model: Model | null }) {
  const words = useWords();
  const [text, setText] = useState('');
  const [drafts, setDrafts] = useState<Draft[]>(() => [draft(), draft()]);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [failure, setFailure] = useState<{ error: ServiceError; work: Work } | null>(null);
  const [said, setSaid] = useState('');
  const [working, setWorking] = useState<Work | null>(null);
  const abort = useRef<AbortController | null>(null);

  const verify = async (signal: AbortSignal) => {
    const used = drafts.filter((one) => !isEmpty(one));
    const body = { rows: [{ text, triples: used.map(sent) }], comparisons: true };
    const { all } = await ask<Filtered>('/v1/filter', body, signal);
    show(all[0] as JudgedRow, mark(text, used));
  };
  const propose = async (signal: AbortSignal) => {
    const proposed = (await ask<Filtered>('/v1/extract', { texts: [text] }, signal)).all[0] as JudgedRow;
    const made = proposed.triples.map((triple) => draftOf(triple, () => new Error('a triple without three parts')));
    setDrafts([...made, draft()]);
    if (!made.length) return setSaid(words.proposedNone);
    const { all } = await ask<Filtered>('/v1/filter', { rows: [{ text, triples: made.map(sent) }], comparisons: true }, signal);
    show(all[0] as JudgedRow, mark(text, made));
  };
  const show = (row: JudgedRow, of: string) => setOutcome((before) => ({ row, of, number: (before?.number ?? 0) + 1 }));
  const run = async (work: Work) => {
    setFailure(null);
    const wrong = complaint(words, text, drafts, work);
    setSaid(wrong);
    if (wrong) return;
    abort.current = new AbortController();
    setWorking(work);
    try {
      await (work === 'verify' ? verify : propose)(abort.current.signal);
    } catch (error) {
      if (!isAbort(error)) setFailure({ error: asServiceError(error), work });
    } finally {
      setWorking(null);
    }
  };
  const load = () => {
    setText(EXAMPLE_TEXT);
    setDrafts(exampleDrafts());
    setSaid('');
  };

  return (
    <div class="check">
      <form
        class="panel input"
        onSubmit={(event) => {
          event.preventDefault();
          void run('verify');
        }}
      >
        <label>
          <span class="title">{words.text}</span>
          <span class="hint">{words.textHint}</span>
          <textarea rows={6} dir="auto" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <TripleEditor
          drafts={drafts}
          relations={model?.relations ?? []}
          change={setDrafts}
          take={(pasted) => {
            if (pasted.text !== null) setText(pasted.text);
            setDrafts([...pasted.drafts, draft()]);
            setSaid(words.jsonTaken(pasted.drafts.length));
          }}
        />
        <div class="actions">
          <button type="submit" class="main" disabled={working !== null}>
            {working === 'verify' ? words.verifying : words.verify}
          </button>
          <button type="button" disabled={!model?.llm || working !== null} aria-describedby="llm" onClick={() => void run('propose')}>
            {working === 'propose' ? words.proposing : words.propose}
          </button>
          {working !== null && (
            <button type="button" class="plain" onClick={() => abort.current?.abort()}>
              {words.stop}
            </button>
          )}
          <button type="button" class="plain" onClick={load}>
            {words.example}
          </button>
        </div>
        <p class="hint" id="llm">
          {model?.llm ? words.proposeOn(model.llm) : words.proposeOff}
        </p>
        <p role="status" class={said ? 'notice' : 'unseen'}>
          {said}
        </p>
        {failure && <Failure error={failure.error} again={() => void run(failure.work)} close={() => setFailure(null)} />}
      </form>
      {outcome && <Verdicts key={outcome.number} row={outcome.row} changed={outcome.of !== mark(text, drafts)} />}
    </div>
  );
}
