import { CopyButton } from './CopyButton';
import classes from './CommandLine.module.css';

/** A command to be typed, in a line, with a button that copies it. */
export function CommandLine({ text }: { text: string }) {
  return (
    <span className={classes.line}>
      <code className={classes.code}>{text}</code>
      <CopyButton text={text} label={`Copy ${text}`} />
    </span>
  );
}
