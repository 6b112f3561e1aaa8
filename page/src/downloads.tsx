import { useMemo } from 'preact/hooks';
import { annotated, contrastive, countLines, labels, onlyRejected, type Decisions, type Reviewed } from './corrections';
import { useWords } from './language';
import type { InputFile } from './reading';

interface Props {
  file: InputFile;
  rows: Reviewed[];
  decisions: Decisions;
}

function save(name: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'application/jsonl' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** What was decided, as files for the commands that learn from it. */
export function Downloads({ file, rows, decisions }: Props) {
  const words = useWords();
  const stem = file.name.replace(/\.[^.]*$/, '');
  const { calibrate, train, only, unusable } = useMemo(
    () => ({
      calibrate: labels(rows, decisions),
      train: contrastive(rows, decisions),
      only: annotated(rows, decisions),
      unusable: onlyRejected(rows, decisions),
    }),
    [rows, decisions],
  );
  const files = [
    { name: 'labels', content: calibrate, title: words.forCalibrate, says: words.forCalibrateSays },
    { name: 'contrastive', content: train, title: words.forTrain, says: words.forTrainSays },
    { name: 'annotated', content: only, title: words.forTrainOnly, says: words.forTrainOnlySays },
  ];
  return (
    <section class="panel downloads">
      <h3>{words.downloads}</h3>
      <ul>
        {files.map(({ name, content, title, says }) => (
          <li key={name}>
            <button type="button" disabled={!content} aria-describedby={`says-${name}`} onClick={() => save(`${stem}.${name}.jsonl`, content)}>
              {title}
            </button>
            <span class="hint" id={`says-${name}`}>
              {says(countLines(content))}
            </span>
          </li>
        ))}
      </ul>
      {unusable > 0 && <p class="hint">{words.unusable(unusable)}</p>}
    </section>
  );
}
