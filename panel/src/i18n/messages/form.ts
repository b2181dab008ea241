import { area } from "../area";

export const form = area("form", {
  required: ["This is needed.", "必填。", "必填。", "Обязательное поле."],
  notNumber: ["A whole number is needed.", "需要整数。", "需要整數。", "Нужно целое число."],
  outside: ["{least} to {most} is allowed.", "允许范围：{least} 到 {most}。", "允許範圍：{least} 到 {most}。", "Допустимо от {least} до {most}."],
  notJson: ["This is not a JSON object.", "不是 JSON 对象。", "不是 JSON 物件。", "Это не объект JSON."],
});
