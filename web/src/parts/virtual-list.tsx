// A list of any length: only the rows in sight, and some beyond, are in the page.

import { Virtualizer, elementScroll, observeElementOffset, observeElementRect } from "@tanstack/virtual-core";
import type { VNode } from "preact";
import { useEffect, useReducer, useRef } from "preact/hooks";

/** Rows beyond those in sight, so that scrolling shows no gaps. */
const BEYOND = 12;

interface VirtualListProps<T> {
  items: readonly T[];
  /** Of every row, in px. */
  rowHeight: number;
  label: string;
  keyOf: (item: T) => string;
  row: (item: T) => VNode;
  /** Called when the last rows come into sight. */
  onEnd: () => void;
}

export function VirtualList<T>({ items, rowHeight, label, keyOf, row, onEnd }: VirtualListProps<T>): VNode {
  const frame = useRef<HTMLDivElement>(null);
  const [, draw] = useReducer<number, void>((count) => count + 1, 0);
  const list = useRef<Virtualizer<HTMLDivElement, HTMLLIElement> | null>(null);
  const options = {
    count: items.length,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeight,
    overscan: BEYOND,
    scrollToFn: elementScroll<HTMLDivElement>,
    observeElementRect: observeElementRect<HTMLDivElement>,
    observeElementOffset: observeElementOffset<HTMLDivElement>,
    onChange: () => draw(),
  };
  list.current ??= new Virtualizer(options);
  list.current.setOptions(options);
  useEffect(() => list.current!._didMount(), []);
  useEffect(() => list.current!._willUpdate());
  useEffect(() => list.current!.measure(), [rowHeight]);

  const shown = list.current.getVirtualItems();
  const last = shown[shown.length - 1]?.index ?? -1;
  useEffect(() => {
    if (last >= items.length - 1) onEnd();
  }, [last, items.length]);
  return (
    <div class="virtual" ref={frame} tabIndex={0} role="group" aria-label={label}>
      <ul style={{ height: `${list.current.getTotalSize()}px` }}>
        {shown.map(({ index, start }) => {
          const item = items[index];
          return item && (
            <li key={keyOf(item)} style={{ transform: `translateY(${start}px)`, height: `${rowHeight}px` }} aria-setsize={items.length} aria-posinset={index + 1}>
              {row(item)}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
