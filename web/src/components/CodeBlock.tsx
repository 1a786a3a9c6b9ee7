import { CopyButton } from './CopyButton';
import classes from './CodeBlock.module.css';

/** Text to be read or copied as it is. */
export function CodeBlock({
  text,
  label = 'Code',
  maxHeight,
}: {
  text: string;
  label?: string;
  maxHeight?: number;
}) {
  return (
    <div className={classes.box}>
      <div className={classes.copy}>
        <CopyButton text={text} label={`Copy ${label.toLowerCase()}`} />
      </div>
      {/* Scrolls, so that it must be reachable by keyboard. */}
      <pre className={classes.text} style={{ maxHeight }} tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
    </div>
  );
}
