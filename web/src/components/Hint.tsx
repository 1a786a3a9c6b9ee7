import { Tooltip } from '@mantine/core';
import { useId, useRef, useState, type ReactNode } from 'react';

/**
 * What more there is to say of something, while it is pointed at, touched or focused. Until then it costs nothing:
 * a list has one or two of these in every row.
 */
export function Hint({ label, children }: { label: () => ReactNode; children: ReactNode }) {
  const target = useRef<HTMLSpanElement>(null);
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const open = () => setOpen(true);
  const close = () => setOpen(false);
  return (
    <span
      ref={target}
      aria-describedby={isOpen ? id : undefined}
      onPointerEnter={open}
      onPointerLeave={close}
      onFocus={open}
      onBlur={close}
    >
      {children}
      {isOpen ? <Tooltip id={id} target={target} opened label={label()} multiline maw={360} /> : null}
    </span>
  );
}
