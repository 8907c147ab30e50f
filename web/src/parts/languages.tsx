// The switch of the language; each language is written in itself.

import type { VNode } from "preact";

import { LANGUAGES, language, speak, strings } from "../strings";
import type { Language } from "../strings";

export function Languages(): VNode {
  const names = Object.entries(LANGUAGES) as [Language, string][];
  return (
    <span class="switch languages" role="group" aria-label={strings.language}>
      {names.map(([code, name]) => (
        <button type="button" key={code} lang={code} title={name} aria-pressed={code === language} onClick={() => speak(code)}>
          {code.toUpperCase()}
        </button>
      ))}
    </span>
  );
}
