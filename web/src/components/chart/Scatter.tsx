import { Tooltip } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { logScale } from './scale';
import classes from './Scatter.module.css';

export interface Dot {
  key: string;
  /** Above nothing: both axes go by powers of ten. */
  x: number;
  y: number;
  /** What is shown of it under the pointer. */
  text: string;
  /** Of those that are shown, but do not count. */
  isHollow?: boolean;
}

interface Props {
  /** What the picture shows, for those who cannot see it. The figures belong into a table beside it. */
  label: string;
  dots: Dot[];
  xTitle: string;
  yTitle: string;
  format: (value: number) => string;
  /** What the two kinds of dots are; the second is named only where there are some. */
  kinds: [solid: string, hollow: string];
}

const LEFT = 62;
const BOTTOM = 40;
const TOP = 10;
const RIGHT = 14;

/** One value against another on the same scale. On the dashed line they are the same. */
export function Scatter({ label, dots, xTitle, yTitle, format, kinds }: Props) {
  const { ref, width: room } = useElementSize();
  const width = Math.max(Math.min(room, 620), 260);
  const height = Math.round(Math.min(width * 0.75, 380));
  const scale = logScale(dots.flatMap((dot) => [dot.x, dot.y]));
  const xOf = (value: number) => LEFT + scale.at(value) * (width - LEFT - RIGHT);
  const yOf = (value: number) => height - BOTTOM - scale.at(value) * (height - BOTTOM - TOP);
  // Names of marks must not run into each other on a phone.
  const every = Math.ceil((scale.ticks.length * 58) / (width - LEFT));
  return (
    <figure className={classes.figure} ref={ref}>
      <svg width={width} height={height} role="img" aria-label={label}>
        {scale.ticks.map((tick, number) => (
          <g key={tick}>
            <line className={classes.grid} x1={LEFT} x2={width - RIGHT} y1={yOf(tick)} y2={yOf(tick)} />
            <line className={classes.grid} x1={xOf(tick)} x2={xOf(tick)} y1={TOP} y2={height - BOTTOM} />
            <text x={LEFT - 8} y={yOf(tick)} textAnchor="end" dominantBaseline="middle">
              {format(tick)}
            </text>
            {number % every === 0 ? (
              <text
                x={xOf(tick)}
                y={height - BOTTOM + 16}
                textAnchor={number === scale.ticks.length - 1 ? 'end' : 'middle'}
              >
                {format(tick)}
              </text>
            ) : null}
          </g>
        ))}
        <text x={LEFT} y={height - 6}>
          {xTitle} →
        </text>
        <text x={LEFT + 6} y={TOP + 12}>
          ↑ {yTitle}
        </text>
        <line
          className={classes.even}
          x1={xOf(scale.low)}
          y1={yOf(scale.low)}
          x2={xOf(scale.high)}
          y2={yOf(scale.high)}
        />
        {dots.map((dot) => (
          <Tooltip key={dot.key} label={dot.text} multiline maw={320}>
            <circle
              className={classes.dot}
              data-hollow={dot.isHollow || undefined}
              cx={xOf(dot.x)}
              cy={yOf(dot.y)}
              r={dot.isHollow ? 4 : 5}
            />
          </Tooltip>
        ))}
      </svg>
      <figcaption className={classes.legend}>
        <span>
          <Sample /> {kinds[0]}
        </span>
        {dots.some((dot) => dot.isHollow) ? (
          <span>
            <Sample isHollow /> {kinds[1]}
          </span>
        ) : null}
        <span>
          <svg width={18} height={10} aria-hidden>
            <line className={classes.even} x1={0} x2={18} y1={5} y2={5} />
          </svg>
          the same
        </span>
      </figcaption>
    </figure>
  );
}

function Sample({ isHollow = false }: { isHollow?: boolean }) {
  return (
    <svg width={12} height={12} aria-hidden>
      <circle
        className={classes.dot}
        data-hollow={isHollow || undefined}
        cx={6}
        cy={6}
        r={isHollow ? 4 : 5}
      />
    </svg>
  );
}
