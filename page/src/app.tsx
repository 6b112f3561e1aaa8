import { useCallback, useEffect, useState } from 'preact/hooks';
import { ask, asServiceError, token, type ServiceError } from './api';
import { Check } from './check';
import { LanguageContext, useWords } from './language';
import { Failure } from './notice';
import { Review } from './review';
import type { Model } from './types';
import { firstLanguage, keepLanguage, WORDS, type Language } from './words';

type View = 'check' | 'review';
const viewOf = (hash: string): View => (hash === '#review' ? 'review' : 'check');

export function App() {
  const [language, setLanguage] = useState<Language>(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.title = WORDS[language].title;
  }, [language]);
  const choose = (chosen: Language) => {
    keepLanguage(chosen);
    setLanguage(chosen);
  };
  return (
    <LanguageContext.Provider value={WORDS[language]}>
      <Page language={language} choose={choose} />
    </LanguageContext.Provider>
  );
}

function Page({ language, choose }: { language: Language; choose: (language: Language) => void }) {
  const words = useWords();
  const [view, setView] = useState<View>(viewOf(location.hash));
  const [model, setModel] = useState<Model | null>(null);
  const [error, setError] = useState<ServiceError | null>(null);
  const load = useCallback(() => {
    setError(null);
    ask<Model>('/v1/model')
      .then(setModel)
      .catch((reason: unknown) => setError(asServiceError(reason)));
  }, []);
  useEffect(load, [load]);
  useEffect(() => {
    const turn = () => setView(viewOf(location.hash));
    addEventListener('hashchange', turn);
    return () => removeEventListener('hashchange', turn);
  }, []);
  return (
    <>
      <header>
        <div class="brand">
          <h1>cacre</h1>
          <span class="tagline">{words.tagline}</span>
        </div>
        <nav aria-label={words.views}>
          {(['check', 'review'] as const).map((name) => (
            <a key={name} href={`#${name}`} aria-current={view === name ? 'page' : undefined}>
              {words[name]}
            </a>
          ))}
        </nav>
        <div class="tools">
          <Token wanted={error?.status === 401} changed={load} />
          <label class="language">
            <span class="unseen">{words.language}</span>
            <select value={language} onChange={(event) => choose(event.currentTarget.value as Language)}>
              <option value="zh">中文</option>
              <option value="en">English</option>
            </select>
          </label>
        </div>
      </header>
      <main>
        {error && <Failure error={error} again={load} />}
        <div hidden={view !== 'check'}>
          <Check model={model} />
        </div>
        <div hidden={view !== 'review'}>
          <Review shown={view === 'review'} />
        </div>
      </main>
      <footer>
        {model && <span>{words.model(model.name, model.schema, model.relations.length)}</span>}
        {model && <span>cacre {model.version}</span>}
      </footer>
    </>
  );
}

function Token({ wanted, changed }: { wanted: boolean; changed: () => void }) {
  const words = useWords();
  const [value, setValue] = useState(token.get());
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (wanted) setOpen(true);
  }, [wanted]);
  const use = (chosen: string) => {
    token.set(chosen.trim());
    setValue(chosen.trim());
    setOpen(false);
    changed();
  };
  return (
    <details class="token" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{words.token}</summary>
      <form
        class="panel"
        onSubmit={(event) => {
          event.preventDefault();
          use(value);
        }}
      >
        <label>
          <span class="title">{words.token}</span>
          <input
            type="password"
            autocomplete="off"
            aria-describedby="token-help"
            value={value}
            onInput={(event) => setValue(event.currentTarget.value)}
          />
        </label>
        <p class="hint" id="token-help">
          {words.tokenHelp}
        </p>
        <div class="actions">
          <button type="submit">{words.tokenSave}</button>
          <button type="button" class="plain" onClick={() => use('')}>
            {words.tokenForget}
          </button>
        </div>
      </form>
    </details>
  );
}
