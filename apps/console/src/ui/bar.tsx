import { percent } from './format';

interface BarProps {
  readonly value: number;
  readonly maximum: number;
  readonly label: string;
  /** What is written beside it; the share, if nothing is given. */
  readonly text?: string;
  /** How far something has come: the end is what is hoped for, and no cause for alarm. */
  readonly isProgress?: boolean;
}

/** How much of something is used. */
export function Bar({ value, maximum, label, text, isProgress = false }: BarProps) {
  const share = maximum > 0 ? Math.min(1, value / maximum) : 0;
  const level = isProgress || share <= 0.75 ? '' : share > 0.9 ? 'is-full' : 'is-high';
  return (
    <span className="bar">
      <span
        className="bar-track"
        role={isProgress ? 'progressbar' : 'meter'}
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
      >
        <span className={`bar-fill ${level}`} style={{ width: `${share * 100}%` }} />
      </span>
      <span className="bar-text">{text ?? percent(share)}</span>
    </span>
  );
}
