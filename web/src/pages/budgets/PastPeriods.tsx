import { Text } from '@mantine/core';
import type { Schemas } from '@/api/client';
import { BarList } from '@/components/BarList';
import { Sentence } from '@/components/Sentence';

/** Earlier periods beside the amount. */
export function PastPeriods({ past, text }: { past: Schemas['PastPeriod'][]; text?: string }) {
  return (
    <div>
      {text ? (
        <Text size="xs" c="var(--tw-quiet)" mb={6}>
          <Sentence text={text} />.
        </Text>
      ) : null}
      <BarList
        label="Periods before"
        bars={past.map((each) => ({
          key: each.label,
          label: each.label,
          size: each.spent.micro,
          value:
            each.percent === null ? each.spent.text : `${each.spent.text} · ${Math.round(each.percent)} %`,
          color: each.is_reached ? '--tw-bad' : undefined,
        }))}
      />
    </div>
  );
}
