import { UnstyledButton } from '@mantine/core';
import classes from './Facets.module.css';

export interface Facet {
  name: string;
  label: string;
  count: number;
}

/** What a list can be narrowed to, with how many there are of each. Those chosen stay, even when there are none any more. */
export function Facets({
  label,
  facets,
  chosen,
  onChange,
}: {
  label: string;
  facets: Facet[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
}) {
  const known = new Set(facets.map((each) => each.name));
  const gone = chosen.filter((name) => !known.has(name)).map((name) => ({ name, label: name, count: 0 }));
  const all = [...facets, ...gone];
  if (all.length === 0) return null;
  return (
    <div className={classes.facets} role="group" aria-label={label}>
      {all.map((each) => {
        const isChosen = chosen.includes(each.name);
        return (
          <UnstyledButton
            key={each.name}
            className={classes.facet}
            aria-pressed={isChosen}
            onClick={() =>
              onChange(isChosen ? chosen.filter((name) => name !== each.name) : [...chosen, each.name])
            }
          >
            {each.label} <span className={classes.count}>{each.count}</span>
          </UnstyledButton>
        );
      })}
    </div>
  );
}
