export const ENGLISH = `An ondol warms a room from below. The idea is simple, and about two thousand years old.

1. **The hearth.** A fire burns in the kitchen, a little lower than the rooms, and also cooks the meal.
2. **The flues.** Its smoke is drawn through channels under the floor, from the warm end to the cool one.
3. **The stones.** Flat stones above the channels take up the heat and give it back for hours after the fire is out.
4. **The chimney.** What is left of the smoke leaves at the far side, which keeps the draught going.

The floor is covered with oiled paper, so that no smoke comes through and the warmth does.`

export const KOREAN = `온돌은 바닥을 데워 방 전체를 따뜻하게 하는 난방입니다. 원리는 네 단계로 나눌 수 있습니다.

1. **아궁이** – 부엌에서 불을 때면 뜨거운 연기가 생깁니다. 이 불로 밥도 짓습니다.
2. **고래** – 연기는 바닥 아래의 통로인 고래를 따라 윗목 쪽으로 흐릅니다.
3. **구들장** – 고래 위에 놓인 넓적한 돌이 열을 머금었다가 불이 꺼진 뒤에도 오래 내보냅니다.
4. **굴뚝** – 식은 연기는 굴뚝으로 빠져나가고, 그 힘으로 불길이 계속 이어집니다.

바닥에는 기름 먹인 장판지를 발라 연기는 막고 온기만 전합니다.`

export const RICH = `## Heat through a floor

The flow through a slab is $q = k \\frac{\\Delta T}{d}$, so a stone of \\(d = 5\\,\\text{cm}\\) with $k = 2.5$ passes much of it on. A meal costs $5, not $10.

$$
\\frac{\\partial T}{\\partial t} = \\alpha \\nabla^2 T
$$

\\[ \\sum_{i=1}^{n} x_i = \\int_0^1 f(x)\\,dx \\]

| Material | k in W/(m·K) | feels |
|:---------|-------------:|:-----:|
| Granite  | 2.5 | warm for hours |
| Clay     | 0.8 | slow |
| Oiled paper | 0.1 | dry |

\`\`\`python
def flow(k: float, difference: float, depth: float) -> float:
    """Watts per square metre."""
    return k * difference / depth

print(flow(2.5, 20, 0.05))  # 1000.0
\`\`\`

> A room is warm when the feet are.

- [x] light the fire
- [ ] sweep the \`flue\`
- a [link](https://example.org "a title"), ~~nothing~~, and a picture ![of a floor](https://example.org/floor.png)

<script>alert('not run')</script> and <img src=x onerror=alert(1)> stay text.`
