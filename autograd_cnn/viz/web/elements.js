// --- making elements ------------------------------------------------------------------------------

/** @typedef {string | number | Node | null | undefined | false | any[]} Child or a list of them */

/**
 * A text in which characters that can't be seen, and those that turn their surroundings around, are written out.
 *
 * @param {string} text
 */
export const visible = (text) =>
    text.replace(/[^\P{C}\n\t]/gu, (char) => `\\u${char.codePointAt(0)?.toString(16).padStart(4, "0")}`);

/**
 * Text is only ever set as text, so that no name can become markup. What says nothing is left out.
 *
 * @template {Element} T
 * @param {T} element
 * @param {Record<string, any>} attributes those that begin with "on" listen
 * @param {Child[]} children
 * @returns {T}
 */
function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
    }
    for (const child of children.flat(Infinity)) {
        if (child instanceof Node) element.append(child);
        else if (child !== null && child !== undefined && child !== false) element.append(visible(String(child)));
    }
    return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [attributes]
 * @param {Child[]} children
 */
export const html = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [attributes]
 * @param {Child[]} children
 */
export const svg = (tag, attributes = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

/**
 * The element of the page with this name, which is of this kind.
 *
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
    /** @type {Element | null} */
    const found = document.getElementById(id);
    if (!(found instanceof kind)) throw new TypeError(`the page has no ${kind.name} #${id}`);
    return found;
}

/** A colour of the theme, such as "--ink". @param {string} name */
export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
