import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { WORDS, type Words } from './words';

export const LanguageContext = createContext<Words>(WORDS.en);
export const useWords = (): Words => useContext(LanguageContext);
