import { Collapse, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useId, useState, type ReactNode } from 'react';

/** What is seldom needed, behind a line that opens it. */
export function More({ label, children }: { label: string; children: ReactNode }) {
  const [isOpen, open] = useState(false);
  const id = useId();
  const Picture = isOpen ? IconChevronDown : IconChevronRight;
  return (
    <div>
      <UnstyledButton
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => open(!isOpen)}
        fz="sm"
        c="var(--tw-busy)"
      >
        <Picture size={14} aria-hidden style={{ verticalAlign: '-2px' }} /> {label}
      </UnstyledButton>
      <div id={id}>
        <Collapse expanded={isOpen}>
          <div style={{ paddingTop: 'var(--mantine-spacing-sm)' }}>{children}</div>
        </Collapse>
      </div>
    </div>
  );
}
