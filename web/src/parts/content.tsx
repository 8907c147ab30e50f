// The fields of a payload or a result as a person reads them: words as words, sound to play, the rest as JSON.

import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useMemo } from "preact/hooks";

import { strings } from "../strings";
import type { Fields } from "../server/resources";

/** A WAV file and a JPEG picture in base64 begin like this. */
const WAV = "UklGR", JPEG = "/9j/";

export function Content({ fields }: { fields: Fields }): VNode {
  const shown = Object.entries(fields).filter(([, value]) => value !== null && value !== "" && !isEmpty(value));
  return (
    <dl class="content">
      {shown.map(([name, value]) => <div key={name}><dt>{name}</dt><dd><Value value={value} /></dd></div>)}
    </dl>
  );
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function Value({ value }: { value: unknown }): VNode {
  if (typeof value !== "string") {
    return typeof value === "object" ? <pre tabIndex={0}>{JSON.stringify(value, null, 2)}</pre> : <span>{String(value)}</span>;
  }
  if (value.startsWith(WAV) && isBase64(value)) return <Sound base64={value} />;
  if (value.startsWith(JPEG) && isBase64(value)) return <Picture base64={value} />;
  return <span class="words">{value}</span>;
}

/** Not shortened by the server, which adds a sentence. */
function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/]+=*$/.test(text);
}

export function Sound({ base64 }: { base64: string }): VNode {
  const url = useBlob(base64, "audio/wav");
  return <audio controls src={url} preload="metadata" aria-label={strings.actions.play} />;
}

export function Picture({ base64 }: { base64: string }): VNode {
  const broken = useSignal(false);
  if (broken.value) return <span class="soft">{strings.actions.noPicture}</span>;
  return <img onError={() => void (broken.value = true)} class="picture" src={useBlob(base64, "image/jpeg")} alt={strings.actions.picture} />;
}

/** An address of the content for an element's `src`. */
export function useBlob(base64: string, type: string): string {
  const url = useMemo(() => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return URL.createObjectURL(new Blob([bytes], { type }));
  }, [base64, type]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return url;
}
