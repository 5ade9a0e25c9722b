"""How the panel looks: JupyterLab's own colours, light and dark, and a layout that follows the width it is given.

Every colour is a variable of JupyterLab's or stands beside its fallback; texts have a contrast of at least 4.5 to 1.
"""

STYLES = """
.artgan-panel {
  --ag-bg: var(--jp-layout-color1, #fff); --ag-soft: var(--jp-layout-color2, #f3f3f3);
  --ag-line: var(--jp-border-color2, #dcdcdc); --ag-text: var(--jp-content-font-color1, #1c1c1c);
  --ag-muted: #5a5f66; --ag-accent: #0067a3; --ag-accent-text: #fff; --ag-strong: #00598c; --ag-bad: #b3261e;
  --ag-good: #1b6e3c; --ag-radius: 6px; --jp-widgets-font-size: 13px; --jp-widgets-inline-height: 30px;
  --jp-widgets-margin: 0px; --jp-widgets-color: var(--ag-text); --jp-widgets-label-color: var(--ag-text);
  container: artgan / inline-size; box-sizing: border-box; width: 100%; margin: 0; padding: 0; overflow: hidden;
  background: var(--ag-bg); color: var(--ag-text); border: 1px solid var(--ag-line); border-radius: 10px;
  font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); height: min(820px, 86vh);
}
[data-jp-theme-light="false"] .artgan-panel {
  --ag-bg: var(--jp-layout-color1, #111); --ag-soft: var(--jp-layout-color2, #1e1e1e);
  --ag-line: var(--jp-border-color2, #424242); --ag-text: #ececec; --ag-muted: #a9b0b8; --ag-accent: #1a76b3;
  --ag-strong: #7cc4f2; --ag-bad: #ff9c94; --ag-good: #84d6a2; color-scheme: dark;
}
.artgan-panel {
& * { box-sizing: border-box; }
& .widget-html, & .widget-html-content { margin: 0; line-height: 1.45; height: auto;
  min-height: 0; font-size: inherit; color: inherit; overflow: visible; }
& .widget-html > .widget-label { display: none; }
& .widget-box { overflow: visible; margin: 0; }
& :is(button, a, input, select, summary):focus-visible { outline: 2px solid var(--ag-strong);
  outline-offset: 2px; }

/* Header */
.artgan-header { flex: none; justify-content: space-between; align-items: center; padding: 10px 18px;
  border-bottom: 1px solid var(--ag-line); gap: 12px; }
.artgan-title h2 { margin: 0 !important; font-size: 16px; font-weight: 650; letter-spacing: .01em; }
.artgan-title h2 span { font-weight: 400; color: var(--ag-muted); margin-left: 6px; }
.artgan-language.artgan-language { flex: 0 1 220px; }
.artgan-language .widget-label { min-width: 0; width: auto !important; color: var(--ag-muted) !important; }

/* Two columns; one below the other where there is no room */
.artgan-body { flex: 1 1 auto; min-height: 0; align-items: stretch; }
.artgan-left { flex: none; width: 340px; border-right: 1px solid var(--ag-line); min-height: 0; }
.artgan-right { flex: 1 1 0; min-width: 0; min-height: 0; }
.artgan-settings { flex: 1 1 auto; overflow-y: auto !important; padding: 4px 18px 12px; }
.artgan-start { flex: none; padding: 12px 18px 16px; border-top: 1px solid var(--ag-line); gap: 8px; }
.artgan-group { padding: 12px 0 14px; gap: 8px; flex: none; }
.artgan-group + .artgan-group { border-top: 1px solid var(--ag-line); }
.artgan-group h3 { margin: 0 0 2px !important; font-size: 13px; font-weight: 650; color: var(--ag-text); }
.artgan-hint { color: var(--ag-muted) !important; font-size: 12px !important; padding-left: 92px; margin-top: -3px; }
.artgan-hint .artgan-refused { color: var(--ag-bad); font-weight: 600; }
.artgan-hint summary { cursor: pointer; margin-top: 2px; }
.artgan-hint details p { margin: 2px 0 0; overflow-wrap: anywhere; }

/* Controls */
& :is(.widget-inline-hbox, .widget-radio) { display: flex; flex: none; flex-direction: row; height: auto;
  align-items: center; margin: 0; }
& :is(.widget-inline-hbox, .widget-radio) > .widget-label { width: 84px; min-width: 84px; flex: none;
  max-width: 84px; margin: 0 8px 0 0; padding: 0; text-align: left; color: var(--ag-text); font-size: 13px;
  line-height: 1.25; height: auto; white-space: normal; }
& .widget-inline-hbox > :is(input, select) { min-width: 0; width: 0; flex: 1 1 0; margin: 0; }
& :is(input[type=text], input[type=number], select) { height: 30px; padding-left: 8px !important;
  border: 1px solid var(--ag-line) !important; border-radius: var(--ag-radius);
  background-color: var(--ag-bg) !important; color: var(--ag-text) !important;
  font-size: 13px !important; }
& select { appearance: auto; background-image: none !important; }
& .jupyter-button, & .artgan-button { height: 30px; line-height: 28px; padding: 0 12px;
  border: 1px solid var(--ag-line); border-radius: var(--ag-radius); background: var(--ag-bg); color: var(--ag-text);
  font-size: 13px; box-shadow: none; text-decoration: none; display: inline-block; text-align: center; margin: 0; }
& :is(.jupyter-button, .artgan-button):hover:enabled, & a.artgan-button:hover {
  background: var(--ag-soft); box-shadow: none; }
& .jupyter-button:disabled { opacity: 1; color: var(--ag-muted); border-style: dashed;
  cursor: not-allowed; }
& .jupyter-button.mod-primary { background: var(--ag-accent); border-color: var(--ag-accent);
  color: var(--ag-accent-text); font-weight: 600; }
& .jupyter-button.mod-primary:hover:enabled { background: #004f7d; }
& .jupyter-button.mod-primary:disabled { background: var(--ag-soft); border-color: var(--ag-line);
  color: var(--ag-muted); }
.artgan-row { gap: 8px; }
.artgan-row > :first-child { flex: 1 1 auto !important; min-width: 0; }
.artgan-buttons { gap: 8px; flex-wrap: wrap; }
.artgan-buttons .artgan-paint { flex: 1 1 auto; height: 38px; }
.artgan-buttons .artgan-cancel { flex: 0 0 auto; height: 38px; }
.artgan-estimate { color: var(--ag-muted) !important; font-size: 12px !important; }
& .widget-checkbox { padding-left: 92px; height: auto; }
& .widget-checkbox label { display: flex; align-items: center; gap: 6px; margin: 0; height: auto; }
& input[type=checkbox] { accent-color: var(--ag-accent); width: 15px; height: 15px; margin: 0; }
.artgan-segments .widget-radio-box { flex-direction: row; flex: 1 1 auto; margin: 0; border-radius: var(--ag-radius);
  border: 1px solid var(--ag-line); overflow: hidden; height: 30px; }
.artgan-segments .widget-radio-box label { flex: 1 1 0; margin: 0; height: 28px; line-height: 28px; text-align: center;
  font-size: 13px; color: var(--ag-text); cursor: pointer; position: relative; padding: 0; width: auto; }
.artgan-segments .widget-radio-box label + label { border-left: 1px solid var(--ag-line); }
.artgan-segments .widget-radio-box input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0;
  opacity: 0; cursor: pointer; }
.artgan-segments .widget-radio-box label:has(input:checked) { background: var(--ag-accent); color: #fff;
  font-weight: 600; }
.artgan-segments .widget-radio-box label:has(input:focus-visible) { outline: 2px solid var(--ag-strong);
  outline-offset: -3px; }

/* State, parameters, progress, error */
.artgan-status { flex: none; padding: 12px 18px 10px; border-bottom: 1px solid var(--ag-line); gap: 6px; }
.artgan-line .widget-html-content { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: baseline; }
.artgan-line .widget-html-content > div:last-child { color: var(--ag-muted); }
.artgan-line span + span::before { content: " · "; }
.artgan-line .artgan-remark { margin-left: 8px; }
.artgan-state::before { content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 50%;
  margin-right: 7px; background: var(--ag-muted); }
.artgan-is-running::before, .artgan-is-cancelling::before { background: var(--ag-accent); }
.artgan-is-done::before { background: var(--ag-good); }
.artgan-is-failed::before { background: var(--ag-bad); }
.artgan-track { height: 6px; border-radius: 3px; background: var(--ag-soft); overflow: hidden;
  border: 1px solid var(--ag-line); }
.artgan-track span { display: block; height: 100%; background: var(--ag-accent); transition: width .2s; }
.artgan-stage { color: var(--ag-muted); font-size: 12px; margin-top: 4px; }
.artgan-error [role=alert] { color: var(--ag-bad); font-weight: 600; }
.artgan-error details { font-weight: 400; color: var(--ag-text); margin-top: 2px; }
.artgan-error pre { white-space: pre-wrap; max-height: 160px; overflow: auto; font-size: 11px; margin: 6px 0 0;
  padding: 8px; background: var(--ag-soft); color: var(--ag-text); border-radius: var(--ag-radius); }

/* Pictures */
.artgan-gallery { flex: 1 1 auto; min-height: 0; overflow-y: auto !important; padding: 12px 18px 18px; gap: 12px; }
.artgan-gallery > *, .artgan-toolbar > .widget-hbox { width: 100%; }
.artgan-toolbar { gap: 8px; flex: none; }
.artgan-toolbar > .widget-hbox { flex-wrap: wrap; gap: 8px; align-items: center; }
.artgan-told { flex: 1 1 200px; color: var(--ag-muted) !important; }
.artgan-runs { flex: 0 1 400px; }
.artgan-runs.widget-inline-hbox > .widget-label { width: auto; min-width: 0; }
.artgan-script { display: none; }
.artgan-empty { margin: auto !important; max-width: 380px; text-align: center; color: var(--ag-muted) !important;
  padding: 40px 0; }
.artgan-empty p { margin: 0 0 6px; }
.artgan-empty b { color: var(--ag-text); font-size: 15px; font-weight: 600; }
.artgan-grid { display: grid; flex: none; gap: 14px 12px;
  grid-template-columns: repeat(auto-fill, minmax(136px, 1fr)); }
.artgan-grid.artgan-few { grid-template-columns: repeat(auto-fill, minmax(196px, 1fr)); }
.artgan-tile { position: relative; }
.artgan-tile img, .artgan-tile .artgan-gone { display: block; width: 100%; aspect-ratio: 1; object-fit: cover;
  border-radius: var(--ag-radius); background: var(--ag-soft); max-width: none; }
.artgan-tile .artgan-gone { display: grid; place-items: center; color: var(--ag-muted); }
.artgan-tile .jupyter-button { position: absolute; inset: 0 0 auto 0; aspect-ratio: 1; height: auto; width: 100%;
  background: none; border: 0; color: transparent; cursor: zoom-in; overflow: hidden; }
.artgan-tile .jupyter-button:hover:enabled { background: none; box-shadow: inset 0 0 0 2px var(--ag-strong); }
& .artgan-tile .widget-checkbox { padding: 5px 0 0; width: auto; }
.artgan-tile .widget-checkbox label { color: var(--ag-muted); font-size: 12px; }
.artgan-tile:has(input:checked) img { outline: 3px solid var(--ag-accent); outline-offset: 1px; }
.artgan-detail { gap: 18px; align-items: flex-start; flex: none; }
.artgan-large { flex: 1 1 360px; min-width: 0; }
.artgan-large img { display: block; width: 100%; max-width: 640px; max-height: 64vh; object-fit: contain;
  border-radius: var(--ag-radius); margin: 0 auto; }
.artgan-beside { flex: 0 0 232px; gap: 10px; align-items: stretch; }
.artgan-beside .artgan-button { display: block; }
.artgan-steps { gap: 6px; flex-wrap: wrap; }
& .artgan-facts { display: grid; grid-template-columns: auto 1fr; gap: 4px 12px; margin: 2px 0; }
& .artgan-facts :is(dt, dd) { float: none; width: auto; margin: 0; padding: 0; font-weight: 400; }
& .artgan-facts dt { color: var(--ag-muted); }
& .artgan-facts dd { overflow-wrap: anywhere; }

/* Narrow */
@container artgan (max-width: 860px) {
  .artgan-left { width: 300px; }
  .artgan-settings, .artgan-start, .artgan-status, .artgan-gallery, .artgan-header {
    padding-left: 14px; padding-right: 14px; }
  & :is(.widget-inline-hbox, .widget-radio) > .widget-label { width: 70px; min-width: 70px; }
  .artgan-hint, & .widget-checkbox { padding-left: 0; }
  .artgan-grid { grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); }
  .artgan-grid.artgan-few { grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); }
  .artgan-detail { flex-direction: column; align-items: stretch; }
  .artgan-large, .artgan-beside { flex: none; }
}
@container artgan (max-width: 600px) {
  .artgan-body { flex-direction: column; overflow-y: auto !important; align-items: stretch; }
  .artgan-left, .artgan-right, .artgan-settings, .artgan-gallery { flex: none; overflow: visible !important; }
  .artgan-left, .artgan-right { width: 100%; }
  .artgan-title h2 span { display: none; }
  .artgan-left { border-right: 0; border-bottom: 1px solid var(--ag-line); }
  .artgan-status { position: sticky; top: 0; background: var(--ag-bg); z-index: 2; }
}
@media (prefers-reduced-motion: reduce) { .artgan-track span { transition: none; } }
}
"""
