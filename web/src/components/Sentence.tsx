import { Code } from '@mantine/core';
import { Fragment } from 'react';

/** A sentence of the server's: begins with a capital, and what stands in backticks is code. */
export function Sentence({ text }: { text: string }) {
  const parts = text.split('`');
  return (
    <>
      {parts.map((part, index) => (
        <Fragment key={index}>
          {index % 2 === 1 ? (
            <Code>{part}</Code>
          ) : index === 0 ? (
            part.charAt(0).toUpperCase() + part.slice(1)
          ) : (
            part
          )}
        </Fragment>
      ))}
    </>
  );
}
