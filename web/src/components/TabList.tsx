import { Tabs } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import classes from './TabList.module.css';

/** Tabs in one line. Where they have no room they are pushed sideways, and the one in use is brought into view. */
export function TabList({
  active,
  label,
  children,
}: {
  active: string;
  label?: string;
  children: ReactNode;
}) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const tab = list.current?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]');
    if (!list.current || !tab) return;
    const room = list.current.getBoundingClientRect();
    const place = tab.getBoundingClientRect();
    list.current.scrollLeft += place.left - room.left - (room.width - place.width) / 2;
  }, [active]);
  return (
    <Tabs.List ref={list} className={classes.list} aria-label={label}>
      {children}
    </Tabs.List>
  );
}
