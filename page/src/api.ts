/** Requests to the service that gave this page, and what went wrong with them. */

const TOKEN = 'cacre.token';

/** The token lives as long as the tab; nothing else is told it. */
export const token = {
  get: (): string => sessionStorage.getItem(TOKEN) ?? '',
  set: (value: string): void => (value ? sessionStorage.setItem(TOKEN, value) : sessionStorage.removeItem(TOKEN)),
};

/** An answer that is an error; status 0 means that none came. */
export class ServiceError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly row: number | null = null,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';

export function asServiceError(error: unknown): ServiceError {
  return error instanceof ServiceError ? error : new ServiceError(-1, 'page', String(error));
}

/**
 * Ask the service.
 *
 * @param body Sent as JSON with POST; GET without one.
 */
export async function ask<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (token.get()) headers['authorization'] = `Bearer ${token.get()}`;
  const init: RequestInit = { headers, cache: 'no-store', credentials: 'omit', redirect: 'error' };
  if (signal) init.signal = signal;
  if (body !== undefined) Object.assign(init, { method: 'POST', body: JSON.stringify(body) });
  let response: Response;
  let content: string;
  try {
    response = await fetch(path, init);
    content = await response.text();
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ServiceError(0, 'network', String(error));
  }
  if (response.ok) return parsed<T>(response.status, content);
  throw refusal(response, content);
}

function parsed<T>(status: number, content: string): T {
  try {
    return JSON.parse(content) as T;
  } catch {
    throw new ServiceError(status, 'no_json', 'the answer is no JSON');
  }
}

function refusal(response: Response, content: string): ServiceError {
  const wait = Number.parseFloat(response.headers.get('retry-after') ?? '');
  const retryAfter = Number.isFinite(wait) ? wait : null;
  try {
    const { code, message, field, row } = (JSON.parse(content) as { error: Record<string, never> }).error;
    return new ServiceError(response.status, String(code), String(message), field ?? null, row ?? null, retryAfter);
  } catch {
    return new ServiceError(response.status, 'unknown', response.statusText, null, null, retryAfter);
  }
}
