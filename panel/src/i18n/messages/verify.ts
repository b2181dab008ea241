import { area } from "../area";

export const verify = area("verify", {
  verify: ["Verify these figures", "核对这些数字", "核對這些數字", "Проверить эти числа"],
  title: ["Verified event by event", "逐条核对", "逐筆核對", "Проверка по каждому событию"],
  hint: ["Every figure is counted anew from the stored requests, one by one, in another way than the page does.", "每个数字都从已存储的请求逐条重新计算，方法与页面不同。", "每個數字都從已儲存的請求逐筆重新計算，方法與頁面不同。", "Каждое число считается заново по сохранённым запросам, по одному и другим способом."],
  counting: ["{events} of {n} request counted|{events} of {n} requests counted", "已计算 {events} / {n} 个请求", "已計算 {events} / {n} 個請求", "Посчитано {events} из {n} запроса|Посчитано {events} из {n} запросов|Посчитано {events} из {n} запросов"],
  agree: ["{n} figure agrees; {events} requests were counted.|All {n} figures agree; {events} requests were counted.", "全部 {n} 个数字一致；共计算 {events} 个请求。", "全部 {n} 個數字一致；共計算 {events} 個請求。", "{n} число совпадает; посчитано запросов: {events}.|Все {n} числа совпадают; посчитано запросов: {events}.|Все {n} чисел совпадают; посчитано запросов: {events}."],
  differ: ["{n} figure differs.|{n} figures differ.", "{n} 个数字不一致。", "{n} 個數字不一致。", "Не совпадает {n} число.|Не совпадают {n} числа.|Не совпадают {n} чисел."],
  figure: ["Figure", "数字", "數字", "Число"],
  answer: ["Shown", "显示", "顯示", "Показано"],
  recount: ["Counted", "重新计算", "重新計算", "Посчитано"],
  difference: ["Difference", "差异", "差異", "Разница"],
});
