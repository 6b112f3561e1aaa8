/** Every word of the page, in English and Chinese. */

import { en } from './words.en';
import { zh } from './words.zh';

export type Language = 'en' | 'zh';
export type Words = typeof en;
export const WORDS: Record<Language, Words> = { en, zh };

const LANGUAGE = 'cacre.language';

export function firstLanguage(): Language {
  const kept = read();
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

export function keepLanguage(language: Language): void {
  try {
    localStorage.setItem(LANGUAGE, language);
  } catch {
    // A browser that keeps nothing asks the same again next time.
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(LANGUAGE);
  } catch {
    return null;
  }
}
