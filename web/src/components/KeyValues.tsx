import { Fragment, type ReactNode } from 'react';
import classes from './KeyValues.module.css';

/** Names with their values, in two aligned columns. */
export function KeyValues({ items }: { items: [name: string, value: ReactNode][] }) {
  return (
    <dl className={classes.list}>
      {items.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value ?? '–'}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
