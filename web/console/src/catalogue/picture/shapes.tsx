import type { ReactElement } from "react";
import type { Colours, Shape } from "./picture-of.ts";

/** The shapes of products, in a square of 120. They stand on the line at 97. */
export const shapes: Readonly<Record<Shape, (colours: Colours) => ReactElement>> = {
  backpack: ({ base, dark, light }) => (
    <g>
      <path d="M50 36c0-14 20-14 20 0" fill="none" stroke={dark} strokeWidth="5" />
      <path d="M36 56a24 24 0 0 1 48 0v34a7 7 0 0 1-7 7H43a7 7 0 0 1-7-7z" fill={base} />
      <path d="M30 66h6v26h-2a4 4 0 0 1-4-4zM84 66h6v22a4 4 0 0 1-4 4h-2z" fill={dark} />
      <rect x="43" y="66" width="34" height="23" rx="5" fill={dark} />
      <path d="M43 74h34" stroke={light} strokeWidth="2" />
      <rect x="57" y="72" width="6" height="6" rx="1" fill={light} />
      <path d="M46 52h28" stroke={light} strokeWidth="3" strokeLinecap="round" />
    </g>
  ),
  blanket: ({ base, dark, light }) => (
    <g>
      <rect x="24" y="77" width="72" height="20" rx="10" fill={dark} />
      <rect x="26" y="59" width="68" height="20" rx="10" fill={base} />
      <rect x="24" y="41" width="72" height="20" rx="10" fill={light} />
      <path
        d="M36 41v20M46 41v20M74 59v20M84 59v20M36 77v20M46 77v20"
        stroke={base}
        strokeWidth="3"
      />
      <path d="M74 59v20M84 59v20" stroke={dark} strokeWidth="3" />
    </g>
  ),
  bowl: ({ base, dark, light }) => (
    <g>
      <rect x="47" y="90" width="26" height="7" rx="2" fill={dark} />
      <path d="M22 56h76c0 22-14 36-30 36H52C36 92 22 78 22 56z" fill={base} />
      <ellipse cx="60" cy="56" rx="38" ry="9" fill={dark} />
      <ellipse cx="60" cy="57.5" rx="32" ry="6" fill={light} opacity="0.35" />
      <path
        d="M31 68c3 9 9 15 16 18"
        fill="none"
        stroke={light}
        strokeWidth="3"
        strokeLinecap="round"
      />
    </g>
  ),
  chair: ({ base, dark, light }) => (
    <g>
      <path
        d="M42 68l-5 29M78 68l5 29M48 70v22M72 70v22"
        stroke={dark}
        strokeWidth="5"
        strokeLinecap="round"
      />
      <path d="M42 66V34M78 66V34" stroke={dark} strokeWidth="5" strokeLinecap="round" />
      <rect x="40" y="26" width="40" height="28" rx="8" fill={base} />
      <path d="M48 34h24M48 42h24" stroke={light} strokeWidth="3" strokeLinecap="round" />
      <rect x="36" y="62" width="48" height="11" rx="5" fill={base} />
      <path d="M40 70h40" stroke={dark} strokeWidth="2" opacity="0.6" />
    </g>
  ),
  clock: ({ base, dark, light }) => (
    <g>
      <path d="M42 88l-6 9M78 88l6 9" stroke={dark} strokeWidth="5" strokeLinecap="round" />
      <circle cx="60" cy="60" r="35" fill={base} />
      <circle cx="60" cy="60" r="27" fill={light} />
      <path
        d="M60 37v4M60 79v4M37 60h4M79 60h4"
        stroke={dark}
        strokeWidth="3"
        strokeLinecap="round"
      />
      <path d="M60 60V45M60 60l11 7" stroke={dark} strokeWidth="4" strokeLinecap="round" />
      <circle cx="60" cy="60" r="3.5" fill={dark} />
    </g>
  ),
  kettle: ({ base, dark, light }) => (
    <g>
      <path
        d="M38 52c0-32 44-32 44 0"
        fill="none"
        stroke={dark}
        strokeWidth="5"
        strokeLinecap="round"
      />
      <path d="M80 66l16-14 6 5-15 25z" fill={dark} />
      <path d="M34 97c-10-28 4-47 26-47s36 19 26 47z" fill={base} />
      <path d="M46 52c4-5 24-5 28 0z" fill={dark} />
      <circle cx="60" cy="46" r="4" fill={dark} />
      <path
        d="M42 84c-2-10 1-18 7-23"
        fill="none"
        stroke={light}
        strokeWidth="4"
        strokeLinecap="round"
      />
    </g>
  ),
  lamp: ({ base, dark, light }) => (
    <g>
      <path d="M30 66h60l8 26H22z" fill="hsl(48 90% 70%)" opacity="0.22" />
      <rect x="57" y="62" width="6" height="31" fill={dark} />
      <path d="M40 97c0-7 40-7 40 0z" fill={dark} />
      <path d="M44 26h32l14 40H30z" fill={base} />
      <path d="M50 32l-9 28" stroke={light} strokeWidth="4" strokeLinecap="round" />
      <path d="M76 66v10" stroke={dark} strokeWidth="2" />
      <circle cx="76" cy="78" r="2.5" fill={dark} />
    </g>
  ),
  mug: ({ base, dark, light }) => (
    <g>
      <path d="M78 54h6a13 13 0 0 1 0 28h-7" fill="none" stroke={dark} strokeWidth="7" />
      <path d="M32 42h48v44a11 11 0 0 1-11 11H43a11 11 0 0 1-11-11z" fill={base} />
      <ellipse cx="56" cy="42" rx="24" ry="6" fill={dark} />
      <path d="M40 56v28" stroke={light} strokeWidth="5" strokeLinecap="round" />
      <path
        d="M48 32c-4-5 4-7 0-12M62 32c-4-5 4-7 0-12"
        fill="none"
        stroke={dark}
        strokeWidth="2.5"
        strokeLinecap="round"
        opacity="0.45"
      />
    </g>
  ),
  notebook: ({ base, dark, light }) => (
    <g>
      <rect x="37" y="28" width="52" height="69" rx="4" fill={light} />
      <rect x="33" y="25" width="52" height="72" rx="5" fill={base} />
      <path d="M33 30a5 5 0 0 1 5-5h6v72h-6a5 5 0 0 1-5-5z" fill={dark} />
      <rect x="52" y="38" width="24" height="14" rx="2" fill={light} />
      <path d="M56 43h16M56 47h10" stroke={dark} strokeWidth="1.6" strokeLinecap="round" />
      <path d="M79 25v72" stroke={dark} strokeWidth="3" />
    </g>
  ),
  parcel: ({ base, dark, light }) => (
    <g>
      <path d="M60 30l36 16v36L60 97 24 82V46z" fill={base} />
      <path d="M60 62l36-16v36L60 97z" fill={dark} />
      <path d="M60 30l36 16-36 16-36-16z" fill={light} />
      <path d="M42 38l36 16v12" fill="none" stroke={base} strokeWidth="6" />
    </g>
  ),
  shirt: ({ base, dark, light }) => (
    <g>
      <path d="M44 30l-22 14 9 20 10-5v38h38V59l10 5 9-20-22-14c-4 9-28 9-32 0z" fill={base} />
      <path d="M44 30c4 9 28 9 32 0" fill="none" stroke={dark} strokeWidth="4" />
      <path d="M41 59v38M79 59v38" stroke={dark} strokeWidth="2" opacity="0.6" />
      <rect x="64" y="54" width="9" height="9" rx="2" fill={light} />
    </g>
  ),
  vase: ({ base, dark, light }) => (
    <g>
      <path
        d="M60 42V20M60 34c0-8 7-12 14-12 0 8-6 12-14 12zM60 30c0-7-6-10-12-10 0 7 5 10 12 10z"
        fill="hsl(140 32% 42%)"
        stroke="hsl(140 32% 34%)"
        strokeWidth="2"
      />
      <path
        d="M51 40h18c0 10 16 17 16 33 0 15-9 24-17 24H52c-8 0-17-9-17-24 0-16 16-23 16-33z"
        fill={base}
      />
      <ellipse cx="60" cy="40" rx="9" ry="3" fill={dark} />
      <path
        d="M44 72c0-8 6-12 10-17"
        fill="none"
        stroke={light}
        strokeWidth="4"
        strokeLinecap="round"
      />
    </g>
  ),
};
