import { ActionIcon, Button, Group, Text, TextInput, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconArrowDown, IconArrowUp, IconFilter, IconSearch } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode, type Ref } from 'react';
import { formatCount } from '@/lib/format';
import { useLogState } from './useLogState';
import classes from './logs.module.css';

const SETTLE_MS = 300;

/** What is searched for, which of how many matches is marked, and the way to the others. */
export function SearchBar({
  input,
  count,
  place,
  text,
  onNext,
  onPrevious,
}: {
  input: Ref<HTMLInputElement>;
  count: number;
  place: number;
  text: string;
  onNext: () => void;
  onPrevious: () => void;
}) {
  const { search, set, wantsOnly } = useLogState();
  const [typed, setTyped] = useState(search.q);
  const [known, setKnown] = useState(search.q);
  // The address may change without this field, as when somebody goes back.
  if (known !== search.q) {
    setKnown(search.q);
    setTyped(search.q);
  }
  useEffect(() => {
    if (typed === search.q) return undefined;
    const timer = window.setTimeout(() => set({ q: typed }), SETTLE_MS);
    return () => window.clearTimeout(timer);
  }, [typed, search.q, set]);
  return (
    <Group gap="xs" wrap="wrap">
      <TextInput
        ref={input}
        className={classes.search}
        size="xs"
        aria-label="Search the log"
        placeholder="Search ( / )"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        leftSection={<IconSearch size={14} aria-hidden />}
        rightSectionWidth={62}
        rightSection={
          <Group gap={2} wrap="nowrap">
            <Switch
              label="Match case"
              isOn={search.isCaseSensitive}
              onClick={() => set({ case: !search.isCaseSensitive })}
            >
              Aa
            </Switch>
            <Switch
              label="Regular expression"
              isOn={search.regex}
              onClick={() => set({ regex: !search.regex })}
            >
              .*
            </Switch>
          </Group>
        }
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            if (typed !== search.q) set({ q: typed });
            else if (event.shiftKey) onPrevious();
            else onNext();
          } else if (event.key === 'Escape') {
            setTyped('');
            set({ q: '' });
          }
        }}
      />
      <Group gap={4} wrap="nowrap">
        <ActionIcon
          variant="default"
          size={30}
          disabled={!count}
          aria-label="Previous match (N)"
          onClick={onPrevious}
        >
          <IconArrowUp size={15} />
        </ActionIcon>
        <ActionIcon
          variant="default"
          size={30}
          disabled={!count}
          aria-label="Next match (n)"
          onClick={onNext}
        >
          <IconArrowDown size={15} />
        </ActionIcon>
        <Toggle
          label="Only matches"
          isOn={wantsOnly}
          isDisabled={!search.q}
          icon={<IconFilter size={14} aria-hidden />}
          onClick={() => set({ only: !wantsOnly })}
        />
        <Toggle
          label="Errors only"
          isOn={search.errorsOnly}
          icon={<IconAlertTriangle size={14} aria-hidden />}
          onClick={() => set({ errors: !search.errorsOnly })}
        />
      </Group>
      <Text size="xs" c="var(--tw-quiet)" role="status" aria-live="polite">
        {place > 0 ? `${formatCount(place)} of ${formatCount(count)} matches` : text}
      </Text>
    </Group>
  );
}

function Switch({
  label,
  isOn,
  onClick,
  children,
}: {
  label: string;
  isOn: boolean;
  onClick: () => void;
  children: string;
}) {
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant={isOn ? 'light' : 'subtle'}
        color={isOn ? undefined : 'gray'}
        size={24}
        aria-label={label}
        aria-pressed={isOn}
        onClick={onClick}
      >
        <Text span size="xs" fw={600} ff="monospace">
          {children}
        </Text>
      </ActionIcon>
    </Tooltip>
  );
}

function Toggle({
  label,
  isOn,
  isDisabled,
  icon,
  onClick,
}: {
  label: string;
  isOn: boolean;
  isDisabled?: boolean;
  icon: ReactNode;
  onClick: () => void;
}) {
  return (
    <Button
      size="xs"
      variant={isOn ? 'filled' : 'default'}
      aria-pressed={isOn}
      disabled={isDisabled}
      leftSection={icon}
      onClick={onClick}
    >
      {label}
    </Button>
  );
}
