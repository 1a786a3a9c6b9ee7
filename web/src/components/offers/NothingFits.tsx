import { Button, Stack } from '@mantine/core';
import { IconFilterOff } from '@tabler/icons-react';
import { EmptyState } from '@/components/EmptyState';
import type { OfferSearch, Page } from './types';

/** Why nothing fits, and which filter to give up: each says how many offers that gives. */
export function NothingFits({
  page,
  fixed,
  onLoosen,
}: {
  page: Page;
  fixed: OfferSearch;
  onLoosen: (query: string) => void;
}) {
  if (page.known === 0) {
    return (
      <EmptyState title="No prices are known yet">
        Prices are being fetched; this page fills by itself. A price file of your own can be imported with{' '}
        <code>tradewind prices import</code>.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      title={`None of ${page.known.toLocaleString('en-US')} offers fits`}
      icon={IconFilterOff}
      action={
        <Stack gap={6} mt="xs">
          {page.loosenings.map((each) => (
            <Button
              key={each.constraint}
              variant="default"
              size="xs"
              h="auto"
              py={6}
              styles={{ label: { whiteSpace: 'normal' } }}
              disabled={isHeld(each.query, fixed)}
              title={isHeld(each.query, fixed) ? 'What is looked for here needs it' : undefined}
              onClick={() => onLoosen(each.query)}
            >
              {each.text}
            </Button>
          ))}
        </Stack>
      }
    >
      {page.why_nothing}
    </EmptyState>
  );
}

/** True if giving this up would give up something that is fixed here. */
function isHeld(query: string, fixed: OfferSearch): boolean {
  const left = new URLSearchParams(query);
  return Object.entries(fixed).some(
    ([name, value]) => value !== undefined && value !== null && !left.has(name),
  );
}
