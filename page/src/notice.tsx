import type { ServiceError } from './api';
import { useWords } from './language';
import type { Words } from './words';

/** What went wrong, in words, with what to do. */
function advice(words: Words, error: ServiceError): string {
  const { errors } = words;
  const known: Record<number, string> = {
    0: errors.network,
    400: errors.invalid,
    401: errors.unauthorized,
    408: errors.slow,
    413: errors.tooLong,
    421: errors.wrongHost,
    422: errors.invalid,
    500: errors.failed,
    501: errors.noLLM,
    502: errors.llm,
    503: errors.busy(error.retryAfter),
    504: errors.slow,
  };
  return known[error.status] ?? errors.other(error.status);
}

interface Props {
  error: ServiceError;
  again?: () => void;
  close?: () => void;
}

export function Failure({ error, again, close }: Props) {
  const words = useWords();
  const where = words.errors.where(error.row, error.field);
  return (
    <div class="notice failure" role="alert">
      <strong>{words.errors.title}</strong>
      <p>{advice(words, error)}</p>
      {error.status > 0 && (
        <p class="detail">
          {words.errors.detail} {where && <b>{where}: </b>}
          <q>{error.message}</q>
        </p>
      )}
      <div class="actions">
        {again && (
          <button type="button" onClick={again}>
            {words.errors.again}
          </button>
        )}
        {close && (
          <button type="button" class="plain" onClick={close}>
            {words.errors.close}
          </button>
        )}
      </div>
    </div>
  );
}
