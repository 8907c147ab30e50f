// Transcripts and speech as one conversation, the newest on top.

import { card, empty, h, KeyedList, mockBadge, moment } from "../dom";
import type { Child } from "../dom";
import { milliseconds, seconds } from "../format";
import type { State } from "../state";
import { strings } from "../strings";
import type { Speech, Transcript } from "../types";

const words = strings.talk;
type Turn = Transcript | Speech;

export function talkCard() {
  const { root, body } = card("talk", words.heading);
  const list = h("ol", { class: "talk" });
  const nothing = empty(words.empty, words.emptyCommand);
  let now = 0;
  const turns = new KeyedList<Turn>(list, (turn) => ("latency_s" in turn ? heard(turn, now) : spoken(turn, now)));
  body.append(list, nothing);
  const show = (state: State): void => {
    now = state.now();
    const all: Turn[] = [...state.tables.transcripts, ...state.tables.speech];
    turns.show(all.sort((a, b) => b.rank - a.rank));
    nothing.hidden = all.length > 0;
    list.hidden = !all.length;
  };
  return { root, show };
}

function heard(it: Transcript, now: number): HTMLElement {
  return turn("heard", words.heard, it, now, [
    it.language && h("span", { class: "tag", lang: it.language }, it.language),
    it.duration_s !== null && h("span", {}, words.utterance(seconds(it.duration_s))),
    it.latency_s !== null && h("span", { class: it.latency_s > 2.5 ? "slow" : null }, words.answered(seconds(it.latency_s))),
  ], it.no_speech || !it.text ? h("p", { class: "soft words" }, words.noSpeech) : h("p", { class: "words", lang: it.language || null }, it.text));
}

function spoken(it: Speech, now: number): HTMLElement {
  return turn("spoken", words.spoken, it, now, [
    it.duration_s !== null && h("span", {}, words.utterance(seconds(it.duration_s))),
    it.first_chunk_ms !== null && h("span", {}, words.firstChunk(milliseconds(it.first_chunk_ms))),
    it.chunks !== null && h("span", {}, words.chunks(it.chunks)),
  ], h("p", { class: "words" }, it.text));
}

function turn(kind: string, who: string, it: Turn, now: number, detail: Child[], said: HTMLElement): HTMLElement {
  return h("li", { class: kind },
    h("div", { class: "meta" }, h("span", { class: "who" }, who), mockBadge(it.mock), h("span", { class: "when" }, moment(it.ts, now))),
    said,
    h("div", { class: "soft detail" }, ...detail, it.provider ? h("span", {}, it.provider) : null));
}
