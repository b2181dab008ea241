import { area } from "../area";

export const filters = area("filter", {
  channel: ["Channel", "渠道", "渠道", "Канал"],
  another: ["Add another …", "再添加一项…", "再新增一項…", "Добавить ещё…"],
  credential: ["Credential", "凭证", "憑證", "Учётные данные"],
  project: ["Project", "项目", "專案", "Проект"],
  requestType: ["Request type", "请求类型", "請求類型", "Тип запроса"],
  latency: ["Latency at least", "延迟不低于", "延遲不低於", "Задержка не меньше"],
  cache: ["Cache", "缓存", "快取", "Кэш"],
  hit: ["hit", "命中", "命中", "попадание"],
  miss: ["miss", "未命中", "未命中", "промах"],
});
