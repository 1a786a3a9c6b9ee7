import { ActionIcon, Button, Group, Menu, Select, Text, Tooltip } from '@mantine/core';
import {
  IconArrowBarToDown,
  IconArrowBarToUp,
  IconDownload,
  IconPlayerTrackNext,
  IconSettings,
} from '@tabler/icons-react';
import { base } from '@/api/client';
import { formatBytes, formatCount } from '@/lib/format';
import type { Lines } from './rows';
import { useLogState } from './useLogState';
import classes from './logs.module.css';

interface Props {
  jobId: string;
  attempts: { number: number; provider: string; node: string }[];
  attempt: number;
  about: Lines | null;
  isFollowing: boolean;
  onFollow: (follows: boolean) => void;
  onTop: () => void;
  onEnd: () => void;
}

/** Which log, and how it is shown. */
export function Toolbar({ jobId, attempts, attempt, about, isFollowing, onFollow, onTop, onEnd }: Props) {
  const state = useLogState();
  const streams = about?.streams ?? [];
  return (
    <Group gap="xs" wrap="wrap">
      <Select
        aria-label="Attempt"
        size="xs"
        className={classes.choice}
        allowDeselect={false}
        value={String(attempt)}
        onChange={(value) => state.set({ attempt: value === String(attempts.at(-1)?.number) ? null : value })}
        data={attempts.map((each) => ({
          value: String(each.number),
          label: `Attempt ${each.number} on ${each.provider}`,
        }))}
      />
      <Select
        aria-label="Stream"
        size="xs"
        className={classes.choice}
        allowDeselect={false}
        value={state.stream}
        onChange={(value) => state.set({ stream: value === 'all' ? null : value })}
        data={
          streams.length
            ? streams.map((each) => ({
                value: each.id,
                label: `${each.label} (${formatCount(each.lines)})`,
              }))
            : [{ value: state.stream, label: state.stream }]
        }
      />
      <Group gap={4} ml="auto" wrap="nowrap">
        <Tooltip label="Keep the newest line in sight (f)">
          <Button
            size="xs"
            variant={isFollowing ? 'filled' : 'default'}
            aria-pressed={isFollowing}
            leftSection={<IconPlayerTrackNext size={14} aria-hidden />}
            onClick={() => onFollow(!isFollowing)}
          >
            Follow
          </Button>
        </Tooltip>
        <Tool label="To the first line (g)" onClick={onTop} icon={IconArrowBarToUp} />
        <Tool label="To the last line (G)" onClick={onEnd} icon={IconArrowBarToDown} />
        <Menu position="bottom-end" closeOnItemClick={false}>
          <Menu.Target>
            <ActionIcon variant="default" size={30} aria-label="How lines are shown">
              <IconSettings size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Choice
              label="Times"
              isOn={state.hasTimes}
              onClick={() => state.set({ times: !state.hasTimes })}
            />
            <Choice
              label="Wrap long lines"
              isOn={state.isWrapped}
              onClick={() => state.set({ wrap: !state.isWrapped })}
            />
            <Choice
              label="Read new lines aloud (screen readers)"
              isOn={state.isAnnounced}
              onClick={() => state.set({ aloud: !state.isAnnounced })}
            />
          </Menu.Dropdown>
        </Menu>
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="default" size={30} aria-label="Download">
              <IconDownload size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {streams
              .filter((each) => each.id !== 'all')
              .map((each) => (
                <Menu.Item
                  key={each.id}
                  component="a"
                  href={`${base}/api/v1/jobs/${jobId}/logs/raw?attempt=${attempt}&stream=${each.id}`}
                  download={`${jobId}-${attempt}-${each.id}.log`}
                  disabled={each.size_bytes === 0}
                >
                  {each.label}
                  <Text span size="xs" c="var(--tw-quiet)" ml="sm">
                    {formatBytes(each.size_bytes)}
                  </Text>
                </Menu.Item>
              ))}
          </Menu.Dropdown>
        </Menu>
      </Group>
    </Group>
  );
}

function Tool({
  label,
  onClick,
  icon: Picture,
}: {
  label: string;
  onClick: () => void;
  icon: typeof IconDownload;
}) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" size={30} aria-label={label} onClick={onClick}>
        <Picture size={16} />
      </ActionIcon>
    </Tooltip>
  );
}

function Choice({ label, isOn, onClick }: { label: string; isOn: boolean; onClick: () => void }) {
  return (
    <Menu.CheckboxItem checked={isOn} onChange={onClick}>
      {label}
    </Menu.CheckboxItem>
  );
}
