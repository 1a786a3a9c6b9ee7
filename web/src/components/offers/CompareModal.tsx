import { Affix, Button, Group, Loader, Modal, Text } from '@mantine/core';
import { IconCheck, IconColumns } from '@tabler/icons-react';
import { $api } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useDoing } from './context';
import { LaunchButton } from './LaunchButton';
import type { OfferSearch } from './types';
import classes from './offers.module.css';

/** What has been picked for comparison, and the comparison itself. */
export function CompareBar({
  search,
  isOpen,
  setOpen,
  onClear,
}: {
  search: OfferSearch;
  isOpen: boolean;
  setOpen: (isOpen: boolean) => void;
  onClear: () => void;
}) {
  const { compared } = useDoing();
  if (compared.length === 0) return null;
  return (
    <>
      <Affix position={{ bottom: 16, right: 16 }} zIndex={150}>
        <div className={classes.compareBar} role="region" aria-label="Offers to compare">
          <Text size="sm">{compared.length} of 4 picked</Text>
          <Button size="xs" variant="subtle" color="gray" onClick={onClear}>
            Clear
          </Button>
          <Button
            size="xs"
            disabled={compared.length < 2}
            leftSection={<IconColumns size={15} aria-hidden />}
            onClick={() => setOpen(true)}
          >
            Compare
          </Button>
        </div>
      </Affix>
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        title="Offers side by side"
        size="min(1100px, 96vw)"
        styles={{ body: { paddingTop: 0 } }}
      >
        <Comparison search={search} />
      </Modal>
    </>
  );
}

function Comparison({ search }: { search: OfferSearch }) {
  const { compared, toggleCompared } = useDoing();
  const { hours, on, local_cost, local_gpu } = search;
  const query = { offer: compared, hours, on, local_cost, local_gpu };
  const found = $api.useQuery('get', '/api/v1/offers/compare', { params: { query } });
  if (found.error) return <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />;
  if (!found.data) return <Loader size="sm" aria-label="Comparing" />;
  const { items, lines, gone } = found.data;
  return (
    <div className={classes.scroll} role="region" aria-label="Comparison" tabIndex={0}>
      {gone.length > 0 ? (
        <Text size="sm" c="var(--tw-warning)" mb="xs">
          {gone.length === 1 ? 'One of them is' : `${gone.length} of them are`} not in the price lists any
          more.
        </Text>
      ) : null}
      <table className={classes.compare}>
        <thead>
          <tr>
            <th scope="col">
              <span className={classes.hidden}>What is compared</span>
            </th>
            {items.map((item) => (
              <th key={item.key} scope="col">
                <div>{item.title}</div>
                <Text size="xs" c="var(--tw-quiet)">
                  {item.provider_title}, {item.region}
                </Text>
                <Group gap={4} mt={6}>
                  <LaunchButton offer={item} size="compact-xs" />
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    color="gray"
                    aria-label={`Leave out ${item.title} at ${item.provider_title}`}
                    onClick={() => toggleCompared(item.key)}
                  >
                    Leave out
                  </Button>
                </Group>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.label}>
              <th scope="row">{line.label}</th>
              {line.values.map((value, at) => (
                <td key={items[at]?.key ?? at} data-best={line.best.includes(at) || undefined}>
                  {value}
                  {line.best.includes(at) ? (
                    <span className={classes.best}>
                      <IconCheck size={12} stroke={2.4} aria-hidden /> best
                    </span>
                  ) : null}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
