import { CloseButton, Group, Switch, UnstyledButton } from '@mantine/core';
import { FacetMenu } from './FacetMenu';
import { PriceMenu } from './PriceMenu';
import { FILTERS } from './search';
import type { OfferSearch, Page } from './types';
import type { SearchState } from './useSearch';
import classes from './offers.module.css';

/** Every filter with its counts, and below them those that are set. */
export function FilterBar({ page, state }: { page: Page | undefined; state: SearchState }) {
  const { own, search, fixed, change, replace } = state;
  const facets = (page?.facets ?? []).filter((each) => each.name !== 'launchable');
  const launchable = page?.facets.find((each) => each.name === 'launchable')?.values[0];

  function choose(param: string, values: string[], isMany: boolean) {
    const value = isMany ? values : values[0];
    const isNumber = param === 'count' || param === 'min_memory';
    change({ [param]: isNumber && value !== undefined ? Number(value) : value });
  }

  const canClear = FILTERS.some((name) => own[name] !== undefined);
  return (
    <div>
      <Group gap={6}>
        {facets.map((facet) => (
          <FacetMenu
            key={facet.name}
            facet={facet}
            isFixed={fixed[facet.param as keyof OfferSearch] !== undefined}
            onChange={(values) => choose(facet.param, values, facet.choice === 'many')}
          />
        ))}
        <PriceMenu search={search} fixed={fixed} onChange={change} />
        {launchable ? (
          <Switch
            size="xs"
            ml={4}
            label={`Where jobs can run now (${launchable.count.toLocaleString('en-US')})`}
            checked={search.launchable ?? false}
            disabled={fixed.launchable !== undefined}
            onChange={(event) => change({ launchable: event.currentTarget.checked || undefined })}
          />
        ) : null}
      </Group>
      {page && page.chips.length > 0 ? (
        <Group gap={6} mt={8} role="group" aria-label="Filters that are set">
          {page.chips.map((chip) => {
            const isFixed = fixed[chip.param as keyof OfferSearch] !== undefined;
            return (
              <span key={chip.param} className={classes.chip} data-fixed={isFixed || undefined}>
                {chip.text}
                {isFixed ? null : (
                  <CloseButton
                    size="xs"
                    iconSize={12}
                    aria-label={`Without ${chip.text}`}
                    onClick={() => replace(chip.query)}
                  />
                )}
              </span>
            );
          })}
          {canClear ? (
            <UnstyledButton
              className={classes.clear}
              onClick={() => change(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}
            >
              Clear all
            </UnstyledButton>
          ) : null}
        </Group>
      ) : null}
    </div>
  );
}
