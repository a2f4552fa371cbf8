/** The tones of a shape: the colour of the product, a darker and a lighter one. */
export interface Colours {
  base: string;
  dark: string;
  light: string;
}

export type Shape =
  | "backpack"
  | "blanket"
  | "bowl"
  | "chair"
  | "clock"
  | "kettle"
  | "lamp"
  | "mug"
  | "notebook"
  | "parcel"
  | "shirt"
  | "vase";

/** Words of names, and the shapes that they mean. */
const shapeWords: Readonly<Record<string, Shape>> = {
  backpack: "backpack",
  bag: "backpack",
  blanket: "blanket",
  book: "notebook",
  bowl: "bowl",
  chair: "chair",
  clock: "clock",
  cup: "mug",
  cushion: "blanket",
  desk: "chair",
  journal: "notebook",
  kettle: "kettle",
  lamp: "lamp",
  lantern: "lamp",
  mug: "mug",
  notebook: "notebook",
  plate: "bowl",
  pot: "kettle",
  shirt: "shirt",
  stool: "chair",
  sweater: "shirt",
  teapot: "kettle",
  towel: "blanket",
  tshirt: "shirt",
  vase: "vase",
  watch: "clock",
};

/** Hue, saturation and lightness of the words for colours. */
const colourWords: Readonly<Record<string, readonly [number, number, number]>> = {
  black: [220, 9, 24],
  blue: [213, 52, 47],
  brown: [26, 38, 36],
  green: [152, 34, 38],
  grey: [210, 6, 52],
  orange: [26, 82, 53],
  pink: [340, 58, 66],
  purple: [275, 36, 48],
  red: [6, 62, 50],
  sand: [38, 34, 68],
  white: [42, 22, 91],
  yellow: [45, 82, 57],
};

/** Returns shape and colours for a product: always the same ones for the same product. */
export function pictureOf(
  id: string,
  name: string,
): { shape: Shape; hue: number; colours: Colours } {
  const words = name.toLowerCase().match(/\p{L}+/gu) ?? [];
  const shape = words
    .map((word) => shapeWords[word] ?? shapeWords[word.replace(/s$/, "")])
    // “Desk lamp” is a lamp.
    .findLast(Boolean);
  const named = words.map((word) => colourWords[word]).find(Boolean);
  const hash = hashOf(`${name}${id}`);
  const [hue, saturation, lightness] = named ?? [hash % 360, 42, 50];
  const tone = (change: number) =>
    `hsl(${hue} ${saturation}% ${Math.min(96, Math.max(8, lightness + change))}%)`;
  return {
    shape: shape ?? "parcel",
    hue: (hash >>> 9) % 360,
    colours: {
      base: tone(0),
      dark: tone(lightness > 80 ? -18 : -11),
      light: tone(lightness > 80 ? 4 : 16),
    },
  };
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (const character of text) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01_00_01_93);
  }
  return hash >>> 0;
}
