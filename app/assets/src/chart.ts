// <hq-chart>: a chart of the table it holds, which stays on the page for those who prefer to read.
//
//   <hq-chart kind="bar" unit="万元" label="各部门兑现金额" stacked>
//     <details><summary>查看数据</summary><table>…</table></details>
//   </hq-chart>
//
// The first column names the categories; each further column is a series named by its heading. A cell
// may carry data-value when its text is formatted. Instead of a table there may be
// <script type="application/json">{"categories": […], "series": [{"name": …, "values": […]}]}</script>.
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

echarts.use([
  BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, AriaComponent, SVGRenderer,
]);

interface ChartData {
  categories: string[];
  series: { name: string; values: (number | null)[] }[];
}

function fromTable(table: HTMLTableElement): ChartData {
  const headings = [...(table.tHead?.rows[0]?.cells ?? [])].map((c) => c.textContent?.trim() ?? "");
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  return {
    categories: rows.map((row) => row.cells[0]?.textContent?.trim() ?? ""),
    series: headings.slice(1).map((name, index) => ({
      name,
      values: rows.map((row) => number(row.cells[index + 1])),
    })),
  };
}

function number(cell: HTMLTableCellElement | undefined): number | null {
  const text = cell?.dataset["value"] ?? cell?.textContent?.replace(/[,，\s¥元%]/g, "") ?? "";
  return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
}

class Chart extends HTMLElement {
  private chart: echarts.ECharts | undefined;
  private observer: ResizeObserver | undefined;

  connectedCallback(): void {
    const data = this.read();
    if (!data) return;
    const canvas = document.createElement("div");
    canvas.className = "chart__canvas";
    this.prepend(canvas);
    this.chart = echarts.init(canvas, null, { renderer: "svg", locale: "ZH" });
    this.chart.setOption(this.options(data));
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", this.getAttribute("label") ?? "");
    this.observer = new ResizeObserver(() => this.chart?.resize());
    this.observer.observe(canvas);
  }

  disconnectedCallback(): void {
    this.observer?.disconnect();
    this.chart?.dispose();
    this.querySelector(".chart__canvas")?.remove();
  }

  private read(): ChartData | undefined {
    const script = this.querySelector('script[type="application/json"]');
    if (script?.textContent) return JSON.parse(script.textContent) as ChartData;
    const table = this.querySelector("table");
    return table ? fromTable(table) : undefined;
  }

  private options(data: ChartData): echarts.EChartsCoreOption {
    const style = getComputedStyle(this);
    const token = (name: string): string => style.getPropertyValue(name).trim();
    const ink = token("--hq-ink-soft");
    const line = token("--hq-line");
    const unit = this.getAttribute("unit") ?? "";
    const flat = this.hasAttribute("horizontal");
    const bar = this.getAttribute("kind") !== "line";
    const text = { color: ink, fontFamily: style.fontFamily };
    const category = {
      type: "category", data: data.categories, inverse: flat,
      axisTick: { show: false }, axisLine: { lineStyle: { color: line } }, axisLabel: text,
    };
    const value = {
      type: "value", name: unit, nameTextStyle: text, axisLabel: text,
      splitLine: { lineStyle: { color: line } },
    };
    return {
      animation: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
      animationDuration: 400,
      aria: { enabled: true },
      color: [1, 2, 3, 4, 5, 6].map((n) => token(`--hq-series-${n}`)),
      textStyle: text,
      grid: { left: 8, right: flat ? 44 : 16, top: data.series.length > 1 ? 48 : 32, bottom: 8, containLabel: true },
      legend: { show: data.series.length > 1, top: 0, left: 0, textStyle: text, itemHeight: 10 },
      // The HTML tooltip writes inline styles, which our content policy refuses.
      tooltip: {
        trigger: "axis", renderMode: "richText", confine: true,
        valueFormatter: (v: unknown) => (v == null ? "—" : `${Number(v).toLocaleString("zh-CN")} ${unit}`),
      },
      xAxis: flat ? value : category,
      yAxis: flat ? category : value,
      series: data.series.map((series) => ({
        name: series.name,
        type: bar ? "bar" : "line",
        data: series.values,
        ...(this.hasAttribute("stacked") ? { stack: "all" } : {}),
        ...(bar ? { barMaxWidth: 28, itemStyle: { borderRadius: 3 } }
                : { smooth: false, symbolSize: 6, lineStyle: { width: 2.5 } }),
      })),
    };
  }
}

customElements.define("hq-chart", Chart);
