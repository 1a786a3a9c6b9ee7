import { Fragment } from 'react';

/** A sentence of the server's, in which what is to be typed stands between backticks. */
export function Prose({ text }: { text: string }) {
  return text
    .split('`')
    .map((part, place) =>
      place % 2 === 1 ? <code key={place}>{part}</code> : <Fragment key={place}>{part}</Fragment>,
    );
}
