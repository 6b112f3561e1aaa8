/** Rows of a JSONL file, and a word about each line that is none. */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

export const MOST_BYTES = 64 * 1024 * 1024;

export interface InputRow {
  line: number;
  id: string | number | null;
  text: string;
  triples: unknown[];
}

/** `code` is put into words by the page; `detail` is the service's own message. */
export interface BadRow {
  line: number;
  code: 'no_json' | 'no_object' | 'no_text' | 'no_triples' | 'bad_id' | 'repeated_id' | 'refused';
  detail?: string;
}

export interface InputFile {
  name: string;
  /** SHA-256 of the bytes, so that decisions find their file again. */
  hash: string;
  rows: InputRow[];
  bad: BadRow[];
}

export async function readFile(file: File): Promise<InputFile> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  return { name: file.name, hash: bytesToHex(sha256(bytes)), ...readRows(text) };
}

export function readRows(content: string): { rows: InputRow[]; bad: BadRow[] } {
  const rows: InputRow[] = [];
  const bad: BadRow[] = [];
  const ids = new Set<string>();
  content.split('\n').forEach((raw, index) => {
    if (!raw.trim()) return;
    const found = readRow(raw, index + 1, ids);
    if ('code' in found) bad.push(found);
    else rows.push(found);
  });
  return { rows, bad };
}

function readRow(raw: string, line: number, ids: Set<string>): InputRow | BadRow {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch (error) {
    return { line, code: 'no_json', detail: error instanceof Error ? error.message : String(error) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { line, code: 'no_object' };
  const { id = null, text, triples } = value as Record<string, unknown>;
  if (typeof text !== 'string') return { line, code: 'no_text' };
  if (!Array.isArray(triples)) return { line, code: 'no_triples' };
  if (id !== null && typeof id !== 'string' && typeof id !== 'number') return { line, code: 'bad_id' };
  // The commands that read the corrections want ids to be unique.
  if (id !== null && ids.has(String(id))) return { line, code: 'repeated_id', detail: String(id) };
  if (id !== null) ids.add(String(id));
  return { line, id, text, triples };
}
