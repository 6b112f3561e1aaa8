import { useRef, useState } from 'preact/hooks';
import { asServiceError, type ServiceError } from './api';
import type { Reviewed } from './corrections';
import { verifyRows } from './filtering';
import { useWords } from './language';
import { Failure } from './notice';
import { Queue } from './queue';
import { MOST_BYTES, readFile, type BadRow, type InputFile, type InputRow } from './reading';

interface Job {
  file: InputFile;
  /** Rows that are not verified yet. */
  left: InputRow[];
  done: Reviewed[];
  bad: BadRow[];
}

type Phase = 'empty' | 'reading' | 'verifying' | 'stopped' | 'ready';

/** Read a file, verify it in chunks, then review it. */
export function Review({ shown }: { shown: boolean }) {
  const words = useWords();
  const job = useRef<Job | null>(null);
  const abort = useRef<AbortController | null>(null);
  const [phase, setPhase] = useState<Phase>('empty');
  const [, setSteps] = useState(0);
  const [waiting, setWaiting] = useState<number | null>(null);
  const [error, setError] = useState<ServiceError | null>(null);
  const [fault, setFault] = useState('');

  const verify = async () => {
    const { current } = job;
    if (!current) return;
    abort.current = new AbortController();
    setError(null);
    setPhase('verifying');
    const step = () => setSteps((steps) => steps + 1);
    const watch = {
      judged: (input: InputRow, judged: Reviewed['judged']) => void (current.done.push({ input, judged }), step()),
      bad: (row: BadRow) => void (current.bad.push(row), step()),
      waiting: setWaiting,
    };
    try {
      await verifyRows(current.left, watch, abort.current.signal);
      current.bad.sort((a, b) => a.line - b.line);
      setPhase('ready');
    } catch (reason) {
      if (!abort.current.signal.aborted) setError(asServiceError(reason));
      setPhase('stopped');
    } finally {
      setWaiting(null);
    }
  };
  const open = async (chosen: File | undefined) => {
    if (!chosen) return;
    abort.current?.abort();
    setFault('');
    setError(null);
    const megabytes = (size: number) => (size / 1024 / 1024).toFixed(0);
    if (chosen.size > MOST_BYTES) return setFault(words.tooLong(megabytes(chosen.size), megabytes(MOST_BYTES)));
    setPhase('reading');
    const file = await readFile(chosen);
    job.current = { file, left: [...file.rows], done: [], bad: [...file.bad] };
    if (!file.rows.length) setFault(words.fileEmpty);
    await verify();
  };
  const current = job.current;
  return (
    <div class="review">
      <DropZone open={(file) => void open(file)} />
      {fault && (
        <p class="notice failure" role="alert">
          {fault}
        </p>
      )}
      {phase === 'reading' && <p role="status">{words.reading}</p>}
      {current && phase === 'verifying' && (
        <Progress job={current} waiting={waiting} cancel={() => abort.current?.abort()} />
      )}
      {current && phase === 'stopped' && (
        <div class="notice" role="status">
          <p>{words.stopped(current.left.length)}</p>
          {!error && (
            <button type="button" onClick={() => void verify()}>
              {words.goOn}
            </button>
          )}
        </div>
      )}
      {error && <Failure error={error} again={() => void verify()} close={() => setError(null)} />}
      {current && <BadRows rows={current.bad} />}
      {current && (phase === 'ready' || phase === 'stopped') && current.done.length > 0 && (
        <Queue key={`${current.file.hash}:${current.done.length}`} file={current.file} rows={current.done} listening={shown} />
      )}
    </div>
  );
}

function DropZone({ open }: { open: (file: File | undefined) => void }) {
  const words = useWords();
  const [over, setOver] = useState(false);
  return (
    <label
      class={`panel drop ${over ? 'over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        open(event.dataTransfer?.files[0]);
      }}
    >
      <span class="title">{words.drop}</span>
      <span class="hint">{words.dropHint}</span>
      <input
        type="file"
        accept=".jsonl,.ndjson,.json,application/jsonl"
        onChange={(event) => {
          open(event.currentTarget.files?.[0]);
          // So that the same file can be chosen again.
          event.currentTarget.value = '';
        }}
      />
    </label>
  );
}

function Progress({ job, waiting, cancel }: { job: Job; waiting: number | null; cancel: () => void }) {
  const words = useWords();
  const all = job.file.rows.length;
  const done = all - job.left.length;
  return (
    <div class="panel progress">
      <label>
        <span>{words.progress(done, all)}</span>
        <progress value={done} max={all} />
      </label>
      {waiting !== null && <p role="status">{words.busy(waiting)}</p>}
      <button type="button" onClick={cancel}>
        {words.cancel}
      </button>
    </div>
  );
}

const MOST_LISTED = 200;

function BadRows({ rows }: { rows: BadRow[] }) {
  const words = useWords();
  if (!rows.length) return null;
  return (
    <details class="panel bad-rows">
      <summary>{words.badRows(rows.length)}</summary>
      <ul>
        {rows.slice(0, MOST_LISTED).map((row) => (
          <li key={row.line}>
            <b>{words.line(row.line)}</b> {words.bad[row.code]}
            {row.detail && <bdi class="detail"> ({row.detail})</bdi>}
          </li>
        ))}
        {rows.length > MOST_LISTED && <li>…</li>}
      </ul>
    </details>
  );
}
