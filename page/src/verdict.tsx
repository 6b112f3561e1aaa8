import { useWords } from './language';
import { scoreReason } from './judging';
import { characters, pieces, slice } from './spans';
import { objectOf, type Judged, type Span } from './types';
import type { Words } from './words';

const DIGITS = 3;

export function reasonWords(words: Words, reason: string): string {
  const low = scoreReason(reason);
  if (low) return (low.score === 'text_score' ? words.lowText : words.lowPair)(low.value, low.threshold);
  return words.reasons[reason] ?? reason;
}

/** What a verdict says besides its scores: why it was rejected, what was judged, how the text puts it. */
export function Remarks({ text, triple }: { text: string; triple: Judged }) {
  const words = useWords();
  const { reason, judged_as, modality, modality_cue } = triple;
  return (
    <>
      {reason !== undefined && <p class="reason">{reasonWords(words, reason)}</p>}
      {judged_as && (
        <p class="hint">
          {words.judgedAs} <bdi>{judged_as.join(' → ')}</bdi>
        </p>
      )}
      {modality && modality_cue && (
        <p class="hint">
          {words.modalities[modality]} <mark>{slice(characters(text), modality_cue)}</mark>
        </p>
      )}
    </>
  );
}

export function TripleText({ triple }: { triple: Judged }) {
  return (
    <span class="triple">
      <bdi class="name">{triple.subject}</bdi>
      <span class="predicate">
        <bdi>{triple.predicate}</bdi>
      </span>
      <bdi class="name">{objectOf(triple)}</bdi>
    </span>
  );
}

/** @param byTarget Whether a target precision, and not the verdict, says what is kept. */
export function Badge({ kept, byTarget = false }: { kept: boolean; byTarget?: boolean }) {
  const words = useWords();
  const [yes, no] = byTarget ? [words.kept, words.notKept] : [words.supported, words.rejected];
  return (
    <span class={`badge ${kept ? 'kept' : 'lost'}`}>
      <span aria-hidden="true">{kept ? '✓' : '✕'}</span> {kept ? yes : no}
    </span>
  );
}

interface BarProps {
  name: string;
  title: string;
  score: number | null;
  threshold: number | null;
}

/** A score as a bar and its threshold as a mark, from -1 to 1, the range of a score. */
function ScoreBar({ name, title, score, threshold }: BarProps) {
  const words = useWords();
  if (score === null) {
    return (
      <div class="score" title={title}>
        <span class="label">{name}</span>
        <span class="number wide">{words.nothingToCompare}</span>
      </div>
    );
  }
  const place = (value: number): string => `${Math.min(100, Math.max(0, 50 * (value + 1)))}%`;
  const passes = threshold === null || score >= threshold;
  // The thousandth part must not hide on which side of the threshold the score is.
  const digits = threshold !== null && score.toFixed(DIGITS) === threshold.toFixed(DIGITS) ? 6 : DIGITS;
  const number = score.toFixed(digits);
  const says = threshold === null ? words.noThreshold(number) : words.atLeast(number, threshold.toFixed(digits));
  return (
    <div class="score" title={`${title}: ${says}`}>
      <span class="label">{name}</span>
      <span class={`bar ${passes ? 'passes' : 'fails'}`} aria-hidden="true">
        <span class="fill" style={{ width: place(score) }} />
        {threshold !== null && <span class="mark" style={{ left: place(threshold) }} />}
      </span>
      <span class="number">
        {number}
        {threshold !== null && <small> {passes ? '≥' : '<'} {threshold.toFixed(digits)}</small>}
      </span>
    </div>
  );
}

export function Scores({ triple }: { triple: Judged }) {
  const words = useWords();
  const { text_threshold, pair_threshold } = triple.comparison;
  return (
    <div class="scores">
      <ScoreBar name={words.textScore} title={words.textScoreLong} score={triple.text_score} threshold={text_threshold} />
      <ScoreBar name={words.pairScore} title={words.pairScoreLong} score={triple.pair_score} threshold={pair_threshold} />
      <div class="score">
        <span class="label">{words.probability}</span>
        <span class="number wide">{triple.probability === null ? words.noProbability : percent(triple.probability)}</span>
      </div>
    </div>
  );
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export function Evidence({ text, spans }: { text: string; spans: Span[] }) {
  return (
    <p class="evidence" dir="auto">
      {pieces(text, spans).map((piece, index) =>
        piece.rank === null ? <span key={index}>{piece.text}</span> : <mark key={index}>{piece.text}</mark>,
      )}
    </p>
  );
}
