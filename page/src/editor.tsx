import { useState } from 'preact/hooks';
import { draft, isEmpty, parsePasted, sent, type Draft, type Pasted } from './drafts';
import { useWords } from './language';
import { PARTS, type Part } from './types';

interface Props {
  drafts: Draft[];
  relations: string[];
  change: (drafts: Draft[]) => void;
  take: (pasted: Pasted) => void;
}

/** The triples, as a table to edit or as JSON to paste. */
export function TripleEditor({ drafts, relations, change, take }: Props) {
  const words = useWords();
  const [json, setJson] = useState<string | null>(null);
  const asJson = (): string => JSON.stringify(drafts.filter((one) => !isEmpty(one)).map(sent), null, 1);
  return (
    <fieldset class="editor">
      <legend>{words.triples}</legend>
      <div class="switch" role="group">
        <button type="button" aria-pressed={json === null} onClick={() => setJson(null)}>
          {words.asTable}
        </button>
        <button type="button" aria-pressed={json !== null} onClick={() => setJson(json ?? asJson())}>
          {words.asJson}
        </button>
      </div>
      {json === null ? (
        <Table drafts={drafts} relations={relations} change={change} />
      ) : (
        <Pasting
          json={json}
          write={setJson}
          take={(pasted) => {
            take(pasted);
            setJson(null);
          }}
        />
      )}
    </fieldset>
  );
}

function Table({ drafts, relations, change }: Omit<Props, 'take'>) {
  const words = useWords();
  const set = (id: number, part: Part, value: string) =>
    change(drafts.map((one) => (one.id === id ? { ...one, [part]: value } : one)));
  return (
    <>
      <datalist id="relations">
        {relations.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <table class="drafts">
        <thead>
          <tr>
            {PARTS.map((part) => (
              <th key={part} scope="col">
                {words.part[part]}
              </th>
            ))}
            <td />
          </tr>
        </thead>
        <tbody>
          {drafts.map((one, index) => (
            <tr key={one.id}>
              {PARTS.map((part) => (
                <td key={part}>
                  <input
                    aria-label={words.partOf(words.part[part], index + 1)}
                    list={part === 'predicate' ? 'relations' : undefined}
                    autocomplete="off"
                    spellcheck={false}
                    value={one[part]}
                    onInput={(event) => set(one.id, part, event.currentTarget.value)}
                  />
                </td>
              ))}
              <td>
                <button
                  type="button"
                  class="plain remove"
                  aria-label={words.removeTriple(index + 1)}
                  onClick={() => change(drafts.filter((other) => other !== one))}
                >
                  ✕
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <button type="button" class="plain" onClick={() => change([...drafts, draft()])}>
        + {words.addTriple}
      </button>
    </>
  );
}

function Pasting({ json, write, take }: { json: string; write: (json: string) => void; take: (pasted: Pasted) => void }) {
  const words = useWords();
  const [fault, setFault] = useState('');
  const use = () => {
    try {
      take(parsePasted(json, words));
    } catch (error) {
      setFault(words.jsonBad(error instanceof Error ? error.message : String(error)));
    }
  };
  return (
    <>
      <label>
        <span class="hint">{words.jsonHint}</span>
        <textarea class="code" rows={9} spellcheck={false} value={json} onInput={(event) => write(event.currentTarget.value)} />
      </label>
      {fault && (
        <p class="notice failure" role="alert">
          {fault}
        </p>
      )}
      <button type="button" onClick={use}>
        {words.jsonUse}
      </button>
    </>
  );
}
